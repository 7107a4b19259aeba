import {
  createKey,
  createRegistry,
  image,
  type PushedImage,
  type Registry,
  type RunningServer,
  slsa,
  spdx,
  vuln,
} from "@assay/testkit";
import { type Assay, createAssay } from "assay";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

// Equal images in flight cost one set of registry requests: what one evaluation was answered is given to those that begin
// while it runs, and to nobody after it has ended.

const key = createKey();
const predicates = [slsa({ version: "0.2" }), spdx(), vuln({ finishedOn: "2026-01-15T11:00:00Z" })] as const;
const types = predicates.map(({ predicateType }) => predicateType);
const signed = image({ repository: "acme/app", tag: "v1", content: "one" }).signedBy(key);
const attested = signed.attested(...predicates);
const later = image({ repository: "acme/app", tag: "v1", content: "two" }).signedBy(key);

let registry: Registry;
let server: RunningServer;

beforeEach(async () => {
  registry = createRegistry({ referrersApi: false });
  server = await registry.listen();
});
afterEach(() => server.close());

function assayFor(attestations: readonly string[] = []): Assay {
  const attestors = [{ entries: [{ keys: { publicKeys: key.pem, rekor: { ignoreTlog: true } } }] }];
  const verifyImages = [
    { imageReferences: ["*"], attestors, attestations: attestations.map((type) => ({ type, attestors })) },
  ];
  const policy = {
    apiVersion: "kyverno.io/v1",
    kind: "ClusterPolicy",
    metadata: { name: "signed" },
    spec: {
      validationFailureAction: "Enforce",
      rules: [{ name: "check", match: { any: [{ resources: { kinds: ["Pod"] } }] }, verifyImages }],
    },
  };
  return createAssay({
    policies: JSON.stringify(policy),
    registry: { credentials: [], retry: { attempts: 1 } },
  });
}

function pod(names: readonly string[], pullSecret?: string) {
  const containers = names.map((name) => ({ name, image: `${server.host}/acme/${name}:v1` }));
  const imagePullSecrets = pullSecret === undefined ? {} : { imagePullSecrets: [{ name: pullSecret }] };
  const resource = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web", namespace: "default" },
    spec: { containers, ...imagePullSecrets },
  };
  return { resource, mutate: true };
}

const app = () => pod(["app"]);

/** The digests that a verdict pins images to. */
function pins({ patches }: Awaited<ReturnType<Assay["evaluate"]>>): readonly unknown[] {
  return patches.map((patch) => String(patch.value).replace(/^.*@/, ""));
}

function asked(path = ""): number {
  return registry.requests.filter((request) => request.path.includes(path)).length;
}

const askedForTag = (name = "app") => asked(`/acme/${name}/manifests/v1`);

/** Holds every answer to such requests until it is opened; `reached`: one is held. */
function gate(path: string | RegExp): { readonly reached: Promise<void>; open(): void } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  let reach = (): void => {};
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  const answer = async (_: Request, next: () => Promise<Response>): Promise<Response> => {
    reach();
    await opened;
    return next();
  };
  registry.inject({ path, effect: { kind: "answer", answer } });
  return { reached, open };
}

/** Long enough for everything that does not wait for the registry. */
async function settled(): Promise<void> {
  for (let i = 0; i < 50; i++) await new Promise(setImmediate);
}

describe("32 equal images cost one set of requests", () => {
  const cases = [
    ["signed", signed, [], 4],
    ["signed, with three attestations", attested, types, 9],
  ] as const;

  test.each(cases)("all at once: %s", async (_, made, wanted, requests) => {
    made.pushTo(registry);
    const assay = assayFor(wanted);
    const verdicts = await Promise.all(Array.from({ length: 32 }, () => assay.evaluate(app())));
    expect(verdicts.every(({ allowed }) => allowed)).toBe(true);
    expect(asked()).toBe(requests);
  });

  test.each(cases)("some with each request of the first: %s", async (_, made, wanted, requests) => {
    made.pushTo(registry);
    const assay = assayFor(wanted);
    const all = [] as ReturnType<Assay["evaluate"]>[];
    const begin = async (_: Request, next: () => Promise<Response>): Promise<Response> => {
      for (let i = 0; i < 8 && all.length < 32; i++) all.push(assay.evaluate(app()));
      await settled();
      return next();
    };
    registry.inject({ effect: { kind: "answer", answer: begin } });
    const first = await assay.evaluate(app());
    const verdicts = await Promise.all(all);
    expect(verdicts).toHaveLength(32);
    expect(verdicts.map(({ allowed }) => allowed)).toEqual(verdicts.map(() => true));
    expect(verdicts.flatMap(pins)).toEqual(verdicts.flatMap(() => pins(first)));
    expect(asked()).toBe(requests);
  });
});

describe("what a tag points to is given to evaluations that begin while the one that asked runs", () => {
  test("and asked for anew by one that begins after its verdict", async () => {
    signed.pushTo(registry);
    const assay = assayFor();
    await assay.evaluate(app());
    const moved = later.pushTo(registry);
    expect(pins(await assay.evaluate(app()))).toEqual([moved.digest]);
    expect(askedForTag()).toBe(2);
  });

  test("where the tag moves meanwhile, both are about the digest that was verified", async () => {
    const before = signed.pushTo(registry);
    const assay = assayFor();
    const held = gate(".sig");
    const first = assay.evaluate(app());
    await held.reached;
    const moved = later.pushTo(registry);
    const second = assay.evaluate(app());
    await settled();
    held.open();
    const verdicts = await Promise.all([first, second]);
    expect(verdicts.map(({ allowed }) => allowed)).toEqual([true, true]);
    expect(verdicts.flatMap(pins)).toEqual([before.digest, before.digest]);
    expect(askedForTag()).toBe(1);
    expect(pins(await assay.evaluate(app()))).toEqual([moved.digest]);
  });

  test("but not passed on: who was given it does not keep it once the asker has ended", async () => {
    const before = signed.pushTo(registry);
    image({ repository: "acme/slow", tag: "v1" }).signedBy(key).pushTo(registry);
    const assay = assayFor();
    const [signature, slow] = [gate("/acme/app/manifests/sha256-"), gate("/acme/slow/manifests/v1")];
    const first = assay.evaluate(app());
    await signature.reached;
    const second = assay.evaluate(pod(["app", "slow"]));
    await slow.reached;
    signature.open();
    expect(pins(await first)).toEqual([before.digest]);
    const moved = later.pushTo(registry);
    // The second, which was given the first's answer, is still running.
    expect(pins(await assay.evaluate(app()))).toEqual([moved.digest]);
    slow.open();
    expect(pins(await second)[0]).toBe(before.digest);
    expect(askedForTag()).toBe(2);
  });

  test("nor to who asks with other pull secrets, or wants everything anew", async () => {
    signed.pushTo(registry);
    const assay = assayFor();
    const held = gate(".sig");
    const first = assay.evaluate(app());
    await held.reached;
    const others = [assay.evaluate(pod(["app"], "team-a")), assay.evaluate(pod(["app"], "team-b"))];
    const record = assay.record(app());
    await settled();
    held.open();
    await Promise.all([first, record, ...others]);
    expect(askedForTag()).toBe(4);
  });
});

describe("an evaluation that comes to nothing takes nobody with it", () => {
  let pushed: PushedImage;
  beforeEach(() => {
    pushed = signed.pushTo(registry);
    image({ repository: "acme/slow", tag: "v1" }).signedBy(key).pushTo(registry);
  });

  test("a failure is asked for again, also while the one that met it runs", async () => {
    const assay = assayFor();
    registry.inject({
      path: "/acme/app/manifests/v1",
      times: 1,
      effect: { kind: "status", status: 503 },
    });
    const slow = gate("/acme/slow/manifests/v1");
    const first = assay.evaluate(pod(["app", "slow"]));
    await slow.reached;
    await settled();
    expect(pins(await assay.evaluate(app()))).toEqual([pushed.digest]);
    slow.open();
    expect((await first).outcome).toBe("error");
    expect(askedForTag()).toBe(2);
  });

  test("who gives up leaves its request to those that wait for it, and nothing to those that come later", async () => {
    const assay = assayFor();
    const tag = gate("/acme/app/manifests/v1");
    const controller = new AbortController();
    const first = assay.evaluate(app(), { signal: controller.signal });
    await tag.reached;
    const second = assay.evaluate(app());
    await settled();
    controller.abort(new Error("the client went away"));
    await expect(first).rejects.toThrow("the client went away");
    const signature = gate(".sig");
    tag.open();
    await signature.reached;
    expect(askedForTag()).toBe(1);
    const third = assay.evaluate(app());
    await settled();
    signature.open();
    expect((await Promise.all([second, third])).flatMap(pins)).toEqual([pushed.digest, pushed.digest]);
    expect(askedForTag()).toBe(2);
  });

  test("who runs out of time has ended, too", async () => {
    const assay = assayFor();
    const signature = gate(".sig");
    const first = await assay.evaluate(app(), { timeoutMilliseconds: 200 });
    expect(first.outcome).toBe("error");
    const second = assay.evaluate(app());
    await settled();
    signature.open();
    expect(pins(await second)).toEqual([pushed.digest]);
    expect(askedForTag()).toBe(2);
  });
});
