/** Four or sixteen bytes. */
export type Address = readonly number[];

/** `net.ParseIP`; `undefined` for a name. An IPv4 address mapped into IPv6 has four bytes. */
export function parseAddress(text: string): Address | undefined {
  return parseIpv4(text) ?? parseIpv6(text);
}

function parseIpv4(text: string): Address | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9][0-9]{0,2})$/.test(part))) return undefined;
  const bytes = parts.map(Number);
  return bytes.every((byte) => byte <= 255) ? bytes : undefined;
}

function parseIpv6(text: string): Address | undefined {
  if (!/^[0-9A-Fa-f:.]+$/.test(text)) return undefined;
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map(groups);
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  const rest = tail ?? [];
  const missing = 16 - head.length - rest.length;
  if (halves.length === 1 ? missing !== 0 : missing < 2) return undefined;
  const bytes = [...head, ...Array.from({ length: missing }, () => 0), ...rest];
  const mapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255;
  return mapped ? bytes.slice(12) : bytes;
}

function groups(text: string): number[] | undefined {
  if (text === "") return [];
  const bytes: number[] = [];
  const parts = text.split(":");
  for (const [at, part] of parts.entries()) {
    const four = at === parts.length - 1 && part.includes(".") ? parseIpv4(part) : undefined;
    if (four !== undefined) bytes.push(...four);
    else if (!/^[0-9A-Fa-f]{1,4}$/.test(part)) return undefined;
    else bytes.push(Number.parseInt(part, 16) >> 8, Number.parseInt(part, 16) & 255);
  }
  return bytes;
}
