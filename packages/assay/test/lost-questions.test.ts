import { createKey } from "@assay/testkit";
import { type AssayOptions, createAssay, evaluateImage, type ImageQuestion } from "assay";
import { expect, test } from "vitest";

const KEY = { key: createKey().pem, tlog: "ignore" } as const;
const SUBJECT = "https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main";
const ISSUER = "https://token.actions.githubusercontent.com";
const rejectedBefore = "registry.test/acme/app:v1";

function untyped(question: unknown): ImageQuestion {
  return question as ImageQuestion;
}

test.each<[string, ImageQuestion, string]>([
  ["annotations that are a Map", untyped({ ...KEY, annotations: new Map([["env", "prod"]]) }), "is a Map"],
  ["annotations that are null", untyped({ ...KEY, annotations: null }), "`annotations` is no object"],
  [
    "annotations by a class's getters, which no JSON would have",
    untyped({ ...KEY, annotations: Object.create({ env: "prod" }) }),
    "`annotations` is an object with inherited fields",
  ],
  [
    "an issuer that is a function, which no JSON would have",
    untyped({ identity: { subject: SUBJECT, issuer: () => ISSUER } }),
    "`identity.issuer` is not text",
  ],
  ["an issuer of spaces", { identity: { subject: SUBJECT, issuer: " " } }, "`identity.issuer` is empty"],
  ["a repository that is empty", { ...KEY, repository: "" }, "`repository` is empty"],
  ["an authority that is empty", { ...KEY, timestampChain: "" }, "`timestampChain` is empty"],
  ["attestations that are null", untyped({ ...KEY, attestations: null }), "`attestations` is no list"],
  ["a signature as text", untyped({ ...KEY, signature: "false" }), "`signature` is neither true nor false"],
  ...[{}, [], [{}], { all: [] }, { all: undefined }, { any: null }].map(
    (conditions): [string, ImageQuestion, string] => [
      `conditions that are ${JSON.stringify(conditions)}`,
      untyped({ ...KEY, attestations: [{ type: "slsaprovenance", conditions }] }),
      "`conditions` of an attestation are empty",
    ],
  ),
  [
    "a condition that lost what it compares with",
    untyped({
      ...KEY,
      attestations: [
        { type: "vuln", conditions: { all: [{ key: "{{ a }}", operator: "NotEquals", value: undefined }] } },
      ],
    }),
    "a condition of an attestation lost a value",
  ],
])(
  "a question with %s is refused before anything is asked: it would ask for less",
  async (_, question, said) => {
    const refused = { code: "invalidQuestion", message: expect.stringContaining(said) };
    await expect(evaluateImage(rejectedBefore, question)).rejects.toMatchObject(refused);
  },
);

test.each<[string, Record<string, unknown>, string]>([
  [
    "a `fetch` that is none, without which the images' own registries are asked",
    { fetch: {} },
    "`fetch` is not a function",
  ],
  ["a misspelt `fetch`", { Fetch: globalThis.fetch }, "there is no option `Fetch`"],
  ["a limit that is misspelt", { limits: { layerByte: 1 } }, "`limits` is not an object of numbers"],
  [
    "a limit that is no number",
    { limits: { layerBytes: Number.NaN } },
    "`limits` is not an object of numbers",
  ],
  ["hosts that are text", { allowPrivateHosts: "a.example" }, "`allowPrivateHosts` is not a list"],
  ["credentials that are none", { credentials: {} }, "`registry.credentials` is not a list"],
  ["options that are still awaited", Promise.resolve({}) as never, "`registry` is not an object"],
])("options of the registry: %s: refused", (_, options, said) => {
  expect(() => createAssay({ policies: [], registry: options as AssayOptions["registry"] & object })).toThrow(
    said,
  );
});
