import { describe, expect, test } from "vitest";
import { createAuthority, createKey, createRegistry, image, predicate, TestkitError } from "./index.ts";
import { isDenied } from "./matchers.ts";

const signer = createKey();

// JavaScript has no types: each of these would otherwise sign something else, or fail without saying why.
describe("what does not exist is told of, with what does", () => {
  test.each<[string, () => unknown, string]>([
    ["a key", () => createKey("p257" as never), "`p257` is no key: use p256, p384, p521, rsa2048"],
    ["a key that every object has", () => createKey("toString" as never), "`toString` is no key: use p256"],
    ["an authority's key", () => createAuthority({ rootKey: "ec" as never }), "`ec` is no key: use p256"],
    [
      "a format",
      () =>
        image()
          .using({ format: "bundle" as never })
          .signedBy(signer),
      "`bundle` is no format",
    ],
    [
      "a hash",
      () => image().signedBy(signer, { hash: "sha-256" as never }),
      "`sha-256` is no hash: use sha1",
    ],
    [
      "content",
      () => image().signedBy(signer, { format: "bundle-v0.3", content: "raw" as never }),
      "`raw` is no content of a bundle: use dsse, message",
    ],
    [
      "evidence",
      () => image().signedBy(signer, { logEvidence: "all" as never }),
      "`all` is no evidence of a log: use promise, proof, both",
    ],
    [
      "an entry",
      () => image().signedBy(signer, { entryKind: "intoto" as never }),
      "`intoto` is no kind of log entry: use hashedrekord",
    ],
    ["no signer", () => image().signedBy(undefined as never), "this is no signer: use createKey()"],
    [
      "a signer's name",
      () => image().attestedBy("p256" as never, predicate("https://example.com/v1", {})),
      "this is no signer: use createKey()",
    ],
    [
      "authentication",
      () => createRegistry({ auth: { kind: "digest" } as never }),
      "`digest` is no kind of authentication: use basic, bearer",
    ],
    [
      "a fault",
      () => createRegistry().inject({ effect: { kind: "slow" } as never }),
      "`slow` is no effect of a fault: use status, delay",
    ],
    [
      "an expectation of a denial, which would hold for any",
      () => isDenied({ allowed: false, results: [] } as never, { cod: "notSigned" } as never),
      "`cod` is no expectation of a denial: use code, message",
    ],
    ["a fault without effect", () => createRegistry().inject({} as never), "`` is no effect of a fault"],
  ])("%s", (_, misuse, says) => {
    expect(misuse).toThrow(TestkitError);
    expect(misuse).toThrow(says);
    expect(misuse).toThrow(expect.objectContaining({ code: "badOption" }));
  });
});
