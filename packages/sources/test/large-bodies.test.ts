import { parseDigest } from "@assay/image";
import { registrySource } from "@assay/sources/registry";
import { createRegistry } from "@assay/testkit";
import { expect, test } from "vitest";
import { byteTurns } from "../src/oci/byte-turns.ts";
import { ask } from "./fixtures.ts";

const kilo = 1024;
const repository = "r.example/app";
/** Bytes of which no two neighbouring kilobytes are equal. */
const layer = new Uint8Array(700 * kilo).map((_, at) => at ^ (at >> 10));

/** An `.att` with one large layer, whose body comes in chunks of this size under this `Content-Length`. */
async function attestation(chunk: number, length: string | undefined) {
  const registry = createRegistry({ host: "r.example" });
  const blob = registry.pushBlob("app", layer);
  const digest = parseDigest(`sha256:${"1".repeat(64)}`);
  const manifest = { mediaType: "application/vnd.oci.image.manifest.v1+json", schemaVersion: 2 };
  registry.pushManifest(
    "app",
    { ...manifest, config: registry.pushBlob("app", "{}"), layers: [blob] },
    { tag: `${digest.replace(":", "-")}.att` },
  );
  const fetch: typeof globalThis.fetch = async (input, init) => {
    if (!String(input).endsWith(blob.digest)) return registry.fetch(input, init);
    let at = 0;
    const body = new ReadableStream({
      pull(controller) {
        controller.enqueue(layer.subarray(at, at + chunk));
        at += chunk;
        if (at >= layer.byteLength) controller.close();
      },
    });
    return new Response(body, { headers: length === undefined ? {} : { "content-length": length } });
  };
  const source = registrySource({ fetch, retry: { attempts: 1 } });
  const answer = await ask(source, { kind: "attestationTag", repository, digest });
  return answer.ok ? answer.value.candidates : answer.failure;
}

test.each([
  ["announced", `${layer.byteLength}`],
  ["not announced", undefined],
  ["announced as smaller", "1000"],
  ["announced as smaller than half", `${200 * kilo}`],
  ["announced as nothing", "0"],
  ["announced as nonsense", "-1"],
])("a layer whose length is %s is read whole, into memory of just its size", async (_name, length) => {
  for (const chunk of [64 * kilo, 33_333, layer.byteLength]) {
    const [candidate] = [await attestation(chunk, length)].flat();
    if (!(candidate !== undefined && "payload" in candidate)) throw new Error(JSON.stringify(candidate));
    expect(Buffer.compare(candidate.payload, layer)).toBe(0);
    expect(candidate.payload.buffer.byteLength).toBe(layer.byteLength);
  }
});

test("a layer that is announced as larger than its manifest says is not read", async () => {
  expect(await attestation(64 * kilo, `${layer.byteLength + 1}`)).toMatchObject([{ code: "tooLarge" }]);
});

test("what many do at the same time shares one budget per turn of the event loop", async () => {
  const turns = byteTurns();
  const perTurn: number[] = [0];
  let turn = setImmediate(function next() {
    perTurn.push(0);
    turn = setImmediate(next);
  });
  const sizes = [3000, 1500, 1, 0, 600, 100, 100].map((size) => size * kilo);
  const done = await Promise.all(
    sizes.map(async (size) => {
      let seen = 0;
      await turns.each(new Uint8Array(size), (slice, at) => {
        expect(at).toBe(seen);
        seen += slice.byteLength;
        perTurn[perTurn.length - 1] = (perTurn.at(-1) ?? 0) + slice.byteLength;
      });
      return seen;
    }),
  );
  clearImmediate(turn);
  expect(done).toEqual(sizes);
  expect(Math.max(...perTurn)).toBeLessThanOrEqual(2 * 512 * kilo);
});
