import { BlockList, isIP } from "node:net";

/** Networks that a public registry has no business sending us to: loopback, private, link-local (cloud metadata), … */
const inside = new BlockList();
for (const [network, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.88.99.0", 24], // gateways of 6to4
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
] as const) {
  inside.addSubnet(network, prefix, "ipv4");
}
// Translated addresses are refused as a whole: which IPv4 address they lead to, and through which gateway of ours, is not
// for whoever names them to decide.
for (const [network, prefix] of [
  ["::", 96], // unspecified, loopback, and IPv4-compatible
  ["::ffff:0:0:0", 96], // IPv4-translated
  ["64:ff9b::", 96], // NAT64
  ["64:ff9b:1::", 48], // NAT64 of one's own
  ["100::", 64], // discarded
  ["2001::", 32], // Teredo
  ["2002::", 16], // 6to4
  ["fc00::", 7],
  ["fe80::", 10],
  ["fec0::", 10], // site-local, as it once was
  ["ff00::", 8],
] as const) {
  inside.addSubnet(network, prefix, "ipv6");
}

/** Whether an IP address is private, loopback, link-local or otherwise not on the public network. */
export function isPrivateAddress(address: string): boolean {
  const bare = address.replace(/^\[|\]$/g, "").replace(/%.*$/, "");
  const family = isIP(bare);
  if (family === 0) return false;
  // BlockList sees through `::ffff:127.0.0.1`.
  return inside.check(bare, family === 4 ? "ipv4" : "ipv6");
}

/** Whether a host name (no port) is this machine by its name alone. */
export function isLoopbackName(name: string): boolean {
  const bare = name.replace(/^\[|\]$/g, "").toLowerCase();
  return (
    bare === "localhost" || bare.endsWith(".localhost") || bare === "::1" || /^127\.\d+\.\d+\.\d+$/.test(bare)
  );
}

/** Whether a name can only be resolved inside: such names are treated like private addresses. */
export function isInsideName(name: string): boolean {
  const bare = name.toLowerCase().replace(/\.$/, "");
  return (
    isLoopbackName(bare) ||
    /\.(?:internal|local|localdomain|svc|cluster\.local)$/.test(bare) ||
    !bare.includes(".")
  );
}
