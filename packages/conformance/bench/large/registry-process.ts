// Serves, on loopback, images with large attestations. Prints its port and public key as one line of JSON, and ends with
// its standard input.
import { createKey, createRegistry, type Format, image, predicate } from "@assay/testkit";

const type = "https://spdx.dev/Document";
const key = createKey();
const registry = createRegistry();
const running = await registry.listen();

/** An SBOM whose statement has about so many bytes; as it is stored it has a third more. */
function push(repository: string, bytes: number, format: Format): void {
  const packages = Array.from({ length: Math.round(bytes / 170) }, (_, index) => ({
    name: `package-${index}`,
    SPDXID: `SPDXRef-Package-${index}`,
    versionInfo: `1.${index}.0`,
    downloadLocation: "NOASSERTION",
    licenseConcluded: "Apache-2.0",
    repository,
  }));
  image({ repository })
    .signedBy(key, { format })
    .attested(predicate(type, { spdxVersion: "SPDX-2.3", packages }))
    .pushTo(registry);
}

const mega = 1_000_000;
push("acme/legacy", 10 * mega, "legacy");
push("acme/bundle", 10 * mega, "bundle-v0.3");
push("acme/small", 0.7 * mega, "legacy");
push("acme/limit", 48 * mega, "legacy");
for (let index = 0; index < 5; index++) push(`acme/five-${index}`, 10 * mega, "legacy");
const sizes = registry.blobs().map(({ bytes }) => bytes.byteLength);
process.stdout.write(
  `${JSON.stringify({ host: running.host, pem: key.pem, largest: Math.max(...sizes) })}\n`,
);
process.stdin.on("end", () => void running.close());
process.stdin.resume();
