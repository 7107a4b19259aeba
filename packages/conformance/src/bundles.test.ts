import { expect, test } from "vitest";
import { failuresOf } from "./case-result.ts";
import { runBundles } from "./run-bundles.ts";

test("every bundle of sigstore-conformance is accepted or refused as its suite says, by file and by digest", async () => {
  const all = await runBundles(new URL("../cases/sigstore", import.meta.url).pathname);
  expect(all.length).toBeGreaterThan(80);
  expect(failuresOf(all)).toEqual([]);
});
