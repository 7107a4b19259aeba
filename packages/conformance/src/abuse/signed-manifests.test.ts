import type { Trace } from "@assay/policy";
import { createKey, type Fault, image, type TestImage } from "@assay/testkit";
import { type Candidate, type KernelInput, prepareAttestors, verifySignatures } from "@assay/verify";
import { describe, expect, test } from "vitest";
import { type AbuseCase, abuseCases } from "./cases.ts";
import { HOST, judgePod, keyYaml, type WorldOptions, world } from "./engine-world.ts";
import {
  byKey,
  candidateOf,
  type Judged,
  keyless,
  now,
  policyKey,
  setOf,
  sigstore,
  strangerKey,
} from "./world.ts";

// Abuse case 49, through registry, engine and kernel: a bundle that makes no statement signs the manifest itself.

const message = { format: "bundle-v0.3", content: "message" } as const;
const victim = image({ content: "victim" }).using(message);
const signed = victim.signedBy(policyKey);
const other = image({ content: "other" }).using(message).signedBy(policyKey);
const manifestPath = `/v2/acme/app/manifests/${victim.digest}`;

interface Told extends WorldOptions {
  readonly by?: "tag" | "digest";
  readonly fault?: Fault["effect"];
  readonly referrersApi?: boolean;
}

async function judge(made: TestImage, told: Told = {}): ReturnType<typeof judgePod> {
  const registry = world({ referrersApi: told.referrersApi ?? true });
  const { reference, byDigest } = made.pushTo(registry);
  if (told.fault !== undefined) registry.inject({ path: manifestPath, effect: told.fault });
  return await judgePod(registry, told.by === "tag" ? reference : byDigest, told);
}

const flipped = (bytes: Uint8Array): Uint8Array =>
  bytes.map((byte, i) => (i === bytes.length - 3 ? byte ^ 1 : byte));
const WORKFLOW = `{ keyless: { subject: "https://github.com/acme/*", issuer: "https://token.actions.githubusercontent.com", rekor: { url: "${sigstore.rekor.baseUrl}" } } }`;
const annotated = keyYaml(policyKey.pem, ', annotations: { env: "prod" }');
const needsManifest = async (fault: Fault["effect"], options: WorldOptions = {}): Promise<Judged> =>
  await judge(signed, { fault, ...options });

const cases: readonly AbuseCase[] = [
  ...(["tag", "digest"] as const).flatMap((by): readonly AbuseCase[] => [
    {
      name: `49 a message signature over the image, by ${by}`,
      judge: () => judge(signed, { by }),
      want: "allowed",
    },
    {
      name: `49 a message signature behind the fallback tag, by ${by}`,
      judge: () => judge(signed, { by, referrersApi: false }),
      want: "allowed",
    },
    {
      name: `49 a message signature by a stranger, by ${by}`,
      judge: () => judge(victim.signedBy(strangerKey), { by }),
    },
    {
      name: `49 a message signature over another image, by ${by}`,
      judge: () => judge(victim.carrying(...other.artifacts), { by }),
      code: "claimMismatch",
    },
    {
      name: `49 a message signature of which one bit was changed, by ${by}`,
      judge: () => judge(victim.signedBy(policyKey, { edit: { signature: flipped } }), { by }),
    },
    {
      name: `49 a message signature where signed annotations are asked for, by ${by}`,
      judge: () => judge(signed, { by, attestors: annotated }),
      code: "annotationMismatch",
    },
    {
      name: `49 a message signature where only cosign's old format counts, by ${by}`,
      judge: () => judge(signed, { by, entry: ["type: Cosign"] }),
      code: "notSigned",
    },
  ]),
  {
    name: "49 a message signature by a workflow, with log and timestamp",
    judge: () =>
      judge(
        victim.signedBy(sigstore.identity(), {
          logEvidence: "proof",
          timestampAuthority: sigstore.timestampAuthority,
        }),
        {
          attestors: WORKFLOW,
        },
      ),
    want: "allowed",
  },
  {
    name: "49 a registry that serves another manifest under the signed one's digest",
    judge: () => needsManifest({ kind: "replace", body: other.manifest }),
    want: "error",
    code: "digestMismatch",
  },
  {
    name: "49 a signed image that does not exist",
    judge: () => needsManifest({ kind: "status", status: 404 }),
    code: "imageNotFound",
  },
  {
    name: "49 a manifest that never ends",
    judge: () => needsManifest({ kind: "endless" }),
    code: "tooLarge",
  },
  {
    name: "49 a manifest that nobody may read",
    judge: () => needsManifest({ kind: "status", status: 403 }, { failurePolicy: "Ignore" }),
    want: "error",
    code: "unauthorized",
  },
  {
    name: "49 a registry that fails when it is asked for the manifest",
    judge: () => needsManifest({ kind: "status", status: 500 }, { failurePolicy: "Ignore" }),
    want: "error",
    code: "manifestUnavailable",
  },
  {
    name: "49 a registry that cannot be reached for the manifest, where such a policy is not to stand in the way",
    judge: () => needsManifest({ kind: "disconnect" }, { failurePolicy: "Ignore" }),
    want: "allowed",
    code: "manifestUnavailable",
  },
  {
    name: "49 an image that is not signed, whose manifest cannot be reached",
    judge: () =>
      judge(image({ content: "victim" }), { fault: { kind: "disconnect" }, failurePolicy: "Ignore" }),
    code: "notSigned",
  },
];

describe("a bundle that signs the manifest", () => {
  abuseCases(cases);

  test("the manifest is the image's, wherever the policy has its signatures", async () => {
    const registry = world();
    const { byDigest } = image({ content: "victim" }).pushTo(registry);
    image({ content: "victim", repository: "acme/signatures" })
      .carrying(...signed.artifacts)
      .pushTo(registry);
    const options = { entry: [`repository: ${HOST}/acme/signatures`] };
    const { outcome, asked } = await judgePod(registry, byDigest, options);
    expect(outcome).toBe("allowed");
    expect(asked.filter((url) => url.endsWith(victim.digest) && url.includes("/manifests/"))).toEqual([
      `https://${HOST}${manifestPath}`,
    ]);
  });

  test.each([
    ["no bundle hangs there", image({ content: "victim" }).signedBy(policyKey), {}],
    [
      "another signature suffices",
      signed.using({ format: "legacy", content: "dsse" }).signedBy(policyKey),
      {},
    ],
    ["the bundle says that it is about another", victim.carrying(...other.artifacts), {}],
    ["a workflow is asked for, and a key signed", signed, { attestors: WORKFLOW }],
    ["only the old format counts", signed, { entry: ["type: Cosign"] }],
  ] as const)("the manifest is not asked for where %s", async (_, made, options) => {
    const { asked } = await judge(made, options);
    expect(asked.filter((url) => url.endsWith(manifestPath))).toEqual([]);
  });
});

function outcomesOf(trace: Trace, code: Trace["code"]): readonly Trace["outcome"][] {
  const below = trace.children.flatMap((child) => outcomesOf(child, code));
  return trace.code === code ? [trace.outcome, ...below] : below;
}

describe("the kernel says whether it needs the manifest", () => {
  const input = (manifest: KernelInput["manifest"], candidates: readonly Candidate[]): KernelInput => {
    const digest = victim.digest as KernelInput["digest"];
    const evidence = { digest, candidates, gaps: [] };
    return { digest, evidence: () => evidence, now, ...(manifest === undefined ? {} : { manifest }) };
  };
  const bundles = signed.artifacts.map(candidateOf);
  const legacy = image({ content: "victim" }).signedBy(policyKey).artifacts.map(candidateOf);
  const missing = (code: "imageNotFound" | "manifestUnavailable") => ({ code, message: "gone" }) as const;
  const stranger = byKey({ publicKeys: createKey().pem });

  test.each([
    ["it was not asked for", undefined, [setOf([byKey()])], bundles, "error", true],
    ["it could not be had", missing("manifestUnavailable"), [setOf([byKey()])], bundles, "error", true],
    ["it does not exist", missing("imageNotFound"), [setOf([byKey()])], bundles, "fail", false],
    ["it is there", victim.manifest, [setOf([byKey()])], bundles, "pass", false],
    ["another signature suffices", undefined, [setOf([byKey()])], [...bundles, ...legacy], "pass", false],
    [
      "any key will do, and one has signed",
      undefined,
      [setOf([stranger, byKey()], 1)],
      [...legacy],
      "pass",
      false,
    ],
    ["nothing has signed", undefined, [setOf([byKey()])], [], "fail", false],
    [
      "another set fails for certain",
      undefined,
      [setOf([keyless()]), setOf([byKey()])],
      bundles,
      "fail",
      false,
    ],
  ] as const)("%s", (_, manifest, sets, candidates, outcome, needed) => {
    const judged = verifySignatures(prepareAttestors(sets), "attestors", input(manifest, candidates));
    expect([judged.trace.outcome, judged.needsManifest], judged.trace.message).toEqual([outcome, needed]);
    // What could not be told of a candidate is no failure of the candidate.
    const undecided = outcomesOf(judged.trace, "manifestUnavailable");
    expect([...new Set(undecided)]).toEqual(undecided.length === 0 ? [] : ["error"]);
  });
});
