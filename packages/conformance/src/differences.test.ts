import { createKey, custom, predicate, slsa, vuln } from "@assay/testkit";
import { createAssay, PolicyError } from "assay";
import { beforeAll, describe, expect, test } from "vitest";
import {
  codesOf,
  condition,
  createWorld,
  HOST,
  keyed,
  keyless,
  podOf,
  policyOf,
  type World,
  worldAssay,
} from "./world.ts";

// One test for each row of docs/compatibility.md: where assay answers other than Kyverno, on purpose.

const TYPE = "https://example.com/predicate/v1";
const GITHUB = "https://token.actions.githubusercontent.com";
const key = createKey();
const stranger = createKey();
let world: World;

beforeAll(() => {
  world = createWorld();
});

/** An image signed by `key` that carries one attestation by `key`. */
function attestedImage(predicates: object, type = TYPE): string {
  return world.image().signedBy(key).attested(predicate(type, predicates)).pushTo(world.registry).reference;
}

function entry(conditions: readonly object[], type = TYPE, more: object = {}): object {
  return {
    attestors: keyed(key.pem),
    attestations: [{ type, attestors: keyed(key.pem), conditions, ...more }],
  };
}

describe("attestations", () => {
  test("attestations without attestors must be signed by the entry's own", async () => {
    const rule = { verifyImages: [{ attestors: keyed(key.pem), attestations: [{ type: TYPE }] }] };
    const ours = world.image().signedBy(key).attested(predicate(TYPE, {})).pushTo(world.registry);
    const theirs = world
      .image()
      .signedBy(key)
      .attestedBy(stranger, predicate(TYPE, {}))
      .pushTo(world.registry);
    expect((await world.judge(rule, ours.reference)).allowed).toBe(true);
    expect((await world.judge(rule, theirs.reference)).allowed).toBe(false);
    expect(() =>
      createAssay({ policies: policyOf({ verifyImages: [{ attestations: [{ type: TYPE }] }] }) }),
    ).toThrow(PolicyError);
  });

  test("a predicate's key never replaces a name that the rule already has", async () => {
    const reference = attestedImage({ approvedBuilder: "theirs" });
    const context = [{ name: "approvedBuilder", variable: { value: "ours" } }];
    const rule = { context, verifyImages: [entry(condition("{{ approvedBuilder }}", "Equals", "ours"))] };
    expect((await world.judge(rule, reference)).allowed).toBe(true);
  });

  test("the whole statement is there: attestation.predicate, predicateType and signer", async () => {
    const reference = attestedImage({ level: 3 });
    const holds = [
      ...condition("{{ attestation.predicate.level }}", "Equals", 3),
      ...condition("{{ attestation.predicateType }}", "Equals", TYPE),
    ];
    expect((await world.judge({ verifyImages: [entry(holds)] }, reference)).allowed).toBe(true);
  });

  test("attestation data is never a template", async () => {
    const reference = attestedImage({ claim: "{{ secret }}", secret: "open sesame" });
    const scannedAgain = { verifyImages: [entry(condition("{{ claim }}", "Equals", "open sesame"))] };
    const asItIs = {
      verifyImages: [entry(condition("{{ length(claim) }}", "Equals", "{{ secret }}".length))],
    };
    expect((await world.judge(scannedAgain, reference)).allowed).toBe(false);
    expect((await world.judge(asItIs, reference)).allowed).toBe(true);
  });

  test("an attestation named attestation is its predicate, as in Kyverno", async () => {
    const reference = attestedImage({ level: 3 });
    const named = {
      verifyImages: [entry(condition("{{ attestation.level }}", "Equals", 3), TYPE, { name: "attestation" })],
    };
    expect((await world.judge(named, reference)).allowed).toBe(true);
  });

  test("each PEM key of an attestation's attestor is an entry of its own", async () => {
    const both = keyed(`${stranger.pem}\n${key.pem}`);
    const reference = attestedImage({});
    const rule = {
      verifyImages: [{ attestors: keyed(key.pem), attestations: [{ type: TYPE, attestors: both }] }],
    };
    expect((await world.judge(rule, reference)).allowed).toBe(true);
  });

  test("attestation.predicate also reads inside the Data of cosign's custom type", async () => {
    const type = "https://cosign.sigstore.dev/attestation/v1";
    const made = world
      .image()
      .signedBy(key)
      .attested(custom({ buildType: "b" }));
    const { reference } = made.pushTo(world.registry);
    const inside = {
      verifyImages: [entry(condition("{{ attestation.predicate.buildType }}", "Equals", "b"), type)],
    };
    const kyvernos = {
      verifyImages: [entry(condition("{{ parse_json(Data).buildType }}", "Equals", "b"), type)],
    };
    expect((await world.judge(inside, reference)).allowed).toBe(true);
    expect((await world.judge(kyvernos, reference)).allowed).toBe(true);
  });

  test("scanner.name is read where it is, and its absence is said where cosign dropped it", async () => {
    const type = "https://cosign.sigstore.dev/attestation/vuln/v1";
    const rule = { verifyImages: [entry(condition("{{ scanner.name }}", "Equals", "trivy"), type)] };
    const whole = world
      .image()
      .signedBy(key)
      .attested(vuln({ scanner: "trivy", finishedOn: "2026-01-15T11:00:00Z" }));
    const dropped = attestedImage({ scanner: { uri: "pkg:trivy" } }, type);
    expect((await world.judge(rule, whole.pushTo(world.registry).reference)).allowed).toBe(true);
    const { allowed, results } = await world.judge(rule, dropped);
    expect(allowed).toBe(false);
    expect(JSON.stringify(results)).toContain("name");
  });

  test("conditions are evaluated for every request, whatever was verified before", async () => {
    const { reference } = world
      .image()
      .signedBy(key)
      .attested(vuln({ finishedOn: "2026-01-15T11:00:00Z" }))
      .pushTo(world.registry);
    const type = "https://cosign.sigstore.dev/attestation/vuln/v1";
    const fresh = condition("{{ metadata.scanFinishedOn }}", "GreaterThan", "{{ time_now_utc() - '24h' }}");
    let now = new Date("2026-01-15T12:00:00Z");
    const assay = worldAssay(world, { verifyImages: [entry(fresh, type)] }, { clock: () => now });
    expect((await assay.evaluate({ resource: podOf([reference]) })).allowed).toBe(true);
    now = new Date("2026-01-17T12:00:00Z");
    expect((await assay.evaluate({ resource: podOf([reference]) })).allowed).toBe(false);
  });
});

describe("signatures", () => {
  test("a signed statement of another type is no image signature", async () => {
    const made = world
      .image()
      .using({ format: "bundle-v0.3" })
      .attestedBy(key, slsa({ version: "0.2" }));
    const { reference } = made.pushTo(world.registry);
    const rule = { verifyImages: [{ attestors: keyed(key.pem) }] };
    expect((await world.judge(rule, reference)).allowed).toBe(false);
    expect((await world.judge(rule, reference, { signaturePredicateTypes: "any" })).allowed).toBe(true);
  });

  test("keyless without subject and issuer is a policy error", () => {
    for (const identity of [{}, { subject: "", issuer: "" }])
      expect(() =>
        createAssay({ policies: policyOf({ verifyImages: [{ attestors: keyless(identity) }] }) }),
      ).toThrow(PolicyError);
  });

  test("an identity with dot segments, encoded slashes or control characters is refused", async () => {
    const rule = {
      verifyImages: [{ attestors: keyless({ subject: "https://github.com/acme/*", issuer: GITHUB }) }],
    };
    for (const path of [
      "app/release.yml@refs/heads/main",
      "../evil/app",
      "%2e%2e/evil",
      "app%2fevil",
      "app\u0007",
    ]) {
      const signer = world.sigstore.identity({ subject: `https://github.com/acme/${path}`, issuer: GITHUB });
      const { reference } = world.image().signedBy(signer).pushTo(world.registry);
      expect((await world.judge(rule, reference)).allowed, path).toBe(path.startsWith("app/"));
    }
  });

  test("one signature must satisfy identity and annotations", async () => {
    const rule = { verifyImages: [{ attestors: keyed(key.pem, { annotations: { env: "prod" } }) }] };
    const split = world
      .image()
      .signedBy(key)
      .signedBy(stranger, { annotations: { env: "prod" } });
    const whole = world
      .image()
      .signedBy(stranger)
      .signedBy(key, { annotations: { env: "prod" } });
    expect((await world.judge(rule, split.pushTo(world.registry).reference)).allowed).toBe(false);
    expect((await world.judge(rule, whole.pushTo(world.registry).reference)).allowed).toBe(true);
  });

  test("more than 50 referrers are read", async () => {
    const crowd = Array.from({ length: 60 }, (_, i) => predicate(`https://example.com/crowd/${i}`, {}));
    const made = world
      .image()
      .using({ format: "bundle-v0.3" })
      .attestedBy(stranger, ...crowd)
      .signedBy(key);
    const rule = { verifyImages: [{ attestors: keyed(key.pem) }] };
    expect((await world.judge(rule, made.pushTo(world.registry).reference)).allowed).toBe(true);
  });
});

describe("policies", () => {
  test("unquoted hyphens, time arithmetic and the caller's variables are read", async () => {
    const reference = attestedImage({ "scan-time": "2026-01-15T11:00:00Z", org: "acme" });
    const conditions = [
      ...condition("{{ attestation.predicate.scan-time }}", "GreaterThan", "{{ time_now_utc() - '24h' }}"),
      ...condition("{{ org }}", "Equals", "{{ORG}}"),
    ];
    const rule = { verifyImages: [entry(conditions)] };
    expect((await world.judge(rule, reference, { variables: { ORG: "acme" } })).allowed).toBe(true);
    expect((await world.judge(rule, reference, { variables: { ORG: "evil" } })).allowed).toBe(false);
  });

  test("an expression that begins with $ is JSONPath", async () => {
    const reference = attestedImage({ materials: [{ uri: "git+https://a" }] });
    const rule = { verifyImages: [entry(condition("{{ $.materials[*].uri }}", "AllIn", ["git+https://a"]))] };
    expect((await world.judge(rule, reference)).allowed).toBe(true);
  });

  test("configmap.NAME.data.KEY needs no context entry", async () => {
    const { reference } = world.image().signedBy(key).pushTo(world.registry);
    const rule = { verifyImages: [{ attestors: keyed("{{ configmap.keys.data.cosign-pub }}") }] };
    const metadata = { name: "keys", namespace: "kyverno" };
    const objects = [{ apiVersion: "v1", kind: "ConfigMap", metadata, data: { "cosign-pub": key.pem } }];
    expect((await world.judge(rule, reference, { objects })).allowed).toBe(true);
    const without = await world.judge(rule, reference);
    expect([without.allowed, without.outcome]).toEqual([false, "error"]);
  });

  test("metadata.namespace on a ClusterPolicy is ignored with a warning", async () => {
    const { reference } = world.image().pushTo(world.registry);
    const rule = { metadata: { namespace: "kyverno" }, verifyImages: [{ attestors: keyed(key.pem) }] };
    expect((await world.judge(rule, reference)).allowed).toBe(false);
    const { warnings } = createAssay({ policies: policyOf(rule) });
    expect(warnings.map(({ message }) => message).join()).toContain("namespace");
  });

  test("a tag beside a digest selects by either form, and skips by the digest's form only", async () => {
    const { pinned } = world.image("acme/both").pushTo(world.registry);
    const attestors = keyed(key.pem);
    const byTag = { imageReferences: [`${HOST}/acme/both:v1`], attestors };
    const byDigest = { imageReferences: [`${HOST}/acme/both@*`], attestors };
    const skipped = { attestors, skipImageReferences: [`${HOST}/acme/both:v1`] };
    for (const verifyImages of [[byTag], [byDigest], [skipped]])
      expect((await world.judge({ verifyImages }, pinned)).allowed).toBe(false);
    const skippedByDigest = { attestors, skipImageReferences: [`${HOST}/acme/both@*`] };
    expect((await world.judge({ verifyImages: [skippedByDigest] }, pinned)).allowed).toBe(true);
  });

  test("another spelling of the registry selects the same images, and skips none", async () => {
    const attestors = keyed(key.pem);
    const rule = { verifyImages: [{ imageReferences: [`${HOST}/*`], attestors }] };
    const skipping = { verifyImages: [{ attestors, skipImageReferences: [`${HOST}/*`] }] };
    const spelled = (reference: string): readonly string[] => [
      reference.replace(HOST, HOST.toUpperCase()),
      reference.replace(HOST, `${HOST}:443`),
    ];
    // So many that only those are looked at which an index finds by what their references begin with.
    const others = Array.from({ length: 40 }, (_, at) =>
      policyOf({
        metadata: { name: `other-${at}` },
        verifyImages: [{ imageReferences: [`ghcr.io/${at}/*`] }],
      }),
    );
    const policies = [policyOf(rule), ...others];
    const unsigned = world.image("acme/spelled").pushTo(world.registry);
    const zeros = unsigned.reference.replace(HOST, `${HOST}:0443`);
    for (const reference of [...spelled(unsigned.reference), zeros]) {
      expect((await world.judge(rule, reference)).allowed).toBe(false);
      expect((await world.judge(rule, reference, { policies })).allowed).toBe(false);
      expect((await world.judge(skipping, reference)).allowed).toBe(false);
    }
    const signed = world.image("acme/spelled-and-signed").signedBy(key).pushTo(world.registry);
    for (const reference of spelled(signed.reference))
      expect((await world.judge(rule, reference)).outcome).toBe("pass");
  });

  test("only verified images are pinned to their digest, and nothing is remembered in the object", async () => {
    const checked = world.image("acme/checked").signedBy(key).pushTo(world.registry);
    const other = world.image("other/app").pushTo(world.registry);
    const rule = { verifyImages: [{ imageReferences: [`${HOST}/acme/*`], attestors: keyed(key.pem) }] };
    const { patches } = await world.judge(rule, [checked.reference, other.reference]);
    expect(patches).toEqual([{ op: "replace", path: "/spec/containers/0/image", value: checked.pinned }]);
    const unsigned = world.image("acme/unsigned").pushTo(world.registry);
    const annotations = { "kyverno.io/verify-images": JSON.stringify({ [unsigned.pinned]: "pass" }) };
    expect((await world.judge(rule, unsigned.reference, { annotations })).allowed).toBe(false);
  });
});

describe("what could not be had", () => {
  test.each([
    [401, "unauthorized"],
    [403, "unauthorized"],
    [429, "rateLimited"],
    [500, "unavailable"],
    [503, "unavailable"],
  ])("a registry that answers %i is an error with its own code, and blocks", async (status, code) => {
    const { reference } = world.image().signedBy(key).pushTo(world.registry);
    const mend = world.registry.inject({ effect: { kind: "status", status } });
    try {
      const rule = { spec: { failurePolicy: "Ignore" }, verifyImages: [{ attestors: keyed(key.pem) }] };
      const verdict = await world.judge(rule, reference);
      expect([verdict.allowed, verdict.outcome, codesOf(verdict)]).toEqual([false, "error", [code]]);
    } finally {
      mend();
    }
  });

  test("an image that does not exist is a fail: imageNotFound", async () => {
    const verdict = await world.judge(
      { verifyImages: [{ attestors: keyed(key.pem) }] },
      `${HOST}/acme/nowhere:v1`,
    );
    expect([verdict.allowed, verdict.outcome, codesOf(verdict)]).toEqual([false, "fail", ["imageNotFound"]]);
  });
});

describe("messages that people search for", () => {
  test("a tag that cannot be pinned says that the reference must be by digest, and names the digest", async () => {
    const { reference, digest } = world.image().signedBy(key).pushTo(world.registry);
    const { allowed, results } = await world.judge(
      { verifyImages: [{ attestors: keyed(key.pem) }] },
      reference,
      { mutate: false },
    );
    expect(allowed).toBe(false);
    expect(JSON.stringify(results)).toContain("image reference must be by digest");
    expect(JSON.stringify(results)).toContain(digest);
  });

  test("a wrong key says that there are no matching signatures", async () => {
    const { reference } = world.image().signedBy(stranger).pushTo(world.registry);
    const { results } = await world.judge({ verifyImages: [{ attestors: keyed(key.pem) }] }, reference);
    expect(JSON.stringify(results)).toContain("failed to verify signature: no matching signatures");
  });

  test("a registry that does not answer in time says webhookTimeoutSeconds exceeded", async () => {
    const { reference } = world.image().signedBy(key).pushTo(world.registry);
    const mend = world.registry.inject({ effect: { kind: "hang" } });
    try {
      const rule = { spec: { webhookTimeoutSeconds: 1 }, verifyImages: [{ attestors: keyed(key.pem) }] };
      const verdict = await world.judge(rule, reference);
      expect([verdict.allowed, verdict.outcome]).toEqual([false, "error"]);
      expect(JSON.stringify(verdict.results)).toContain("webhookTimeoutSeconds exceeded");
    } finally {
      mend();
    }
  });
});
