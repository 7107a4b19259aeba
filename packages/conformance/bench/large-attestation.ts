import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

// How long attestations of 10 MB (and of 64 MiB, the limit) hold up the event loop, from the request to the verdict: read
// over HTTP from a registry in another process, judged cold and warm. Only figures of a quiet machine mean anything,
// except for the CPU time.
// node --conditions=assay:source packages/conformance/bench/large-attestation.ts

const child = (file: string, ...args: readonly string[]) =>
  spawn(
    process.execPath,
    ["--conditions=assay:source", fileURLToPath(new URL(`./large/${file}`, import.meta.url)), ...args],
    { stdio: ["pipe", file.startsWith("registry") ? "pipe" : "inherit", "inherit"] },
  );

const registry = child("registry-process.ts");
const [line] = await once(createInterface({ input: registry.stdout ?? process.stdin }), "line");
const { host, pem, largest } = JSON.parse(line) as Record<string, string>;
process.stdout.write(`largest layer: ${largest} bytes\n`);
const good = "Apache-2.0";
for (const [title, licence, ...images] of [
  ["10 MB in .att", good, "acme/legacy"],
  ["10 MB in a bundle", good, "acme/bundle"],
  ["10 MB in .att, denied", "MIT", "acme/legacy"],
  ["just not large", good, "acme/small"],
  ["five of 10 MB", good, ...[0, 1, 2, 3, 4].map((index) => `acme/five-${index}`)],
  ["64 MiB in .att", good, "acme/limit"],
] as const) {
  await once(child("admission-process.ts", host ?? "", pem ?? "", title, licence, ...images), "exit");
}
registry.stdin?.end();
