import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JsonObject } from "@assay/policy";
import { createKey, createRegistry, createSigstore, image, type RunningServer } from "@assay/testkit";
import { listen } from "@assay/testkit/parts";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createAssay } from "../src/create-assay.ts";
import { evaluateImage } from "../src/evaluate-image.ts";
import { replay } from "../src/replay.ts";
import { runHere } from "./run-here.ts";

const sigstore = createSigstore();
const key = createKey();
const registry = createRegistry();
const asked: string[] = [];
let servers: readonly RunningServer[] = [];
let cwd = "";
let policy = "";
let pod: JsonObject = {};
let name = "";

/** The trust root, with the log at its real address. */
let trustedRoot = "";

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "assay-log-"));
  // Logged, but the annotation that would say so was lost on the way.
  const made = image({ repository: "acme/app" })
    .using({
      log: sigstore.rekor,
      edit: { layerAnnotations: ({ "dev.sigstore.cosign/bundle": _, ...annotations }) => annotations },
    })
    .signedBy(key);
  const images = await registry.listen();
  const log = await listen(async (request) => {
    asked.push(`${request.method} ${new URL(request.url).pathname}`);
    return sigstore.rekor.handle(request);
  });
  servers = [images, log];
  made.pushTo(registry);
  name = `${images.host}/${made.repository}:${made.tag}`;
  trustedRoot = sigstore.trustedRoot((root) =>
    JSON.parse(JSON.stringify(root).replaceAll(sigstore.rekor.baseUrl, log.url)),
  );
  policy = policyYaml(log.url);
  pod = {
    ...{ apiVersion: "v1", kind: "Pod", metadata: { name: "web" } },
    spec: { containers: [{ name: "app", image: name }] },
  };
  await writeFile(join(cwd, "policy.yaml"), policy);
  await writeFile(join(cwd, "pod.json"), JSON.stringify(pod));
  await writeFile(join(cwd, "root.json"), trustedRoot);
  await writeFile(join(cwd, "cosign.pub"), key.pem);
});
beforeEach(() => {
  asked.splice(0);
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server.close()));
  await rm(cwd, { recursive: true });
});

function policyYaml(url: string): string {
  return JSON.stringify({
    ...{ apiVersion: "kyverno.io/v1", kind: "ClusterPolicy", metadata: { name: "logged" } },
    spec: {
      validationFailureAction: "Enforce",
      rules: [
        {
          name: "check",
          match: { any: [{ resources: { kinds: ["Pod"] } }] },
          verifyImages: [
            {
              imageReferences: ["*"],
              attestors: [{ entries: [{ keys: { publicKeys: key.pem, rekor: { url } } }] }],
            },
          ],
        },
      ],
    },
  });
}

const RETRIEVE = "POST /api/v1/log/entries/retrieve";
const APPLY = ["apply", "policy.yaml", "-r", "pod.json", "--trusted-root", "root.json"];
const LOOK_UP = ["--log-lookup", "whenMissing"];

test("apply asks the log for a missing entry only where --log-lookup says so", async () => {
  const silent = await runHere(APPLY, { cwd });
  expect(silent.status, silent.out).toBe(1);
  expect(silent.out.replace(/\s+/g, " ")).toContain("`--log-lookup whenMissing`");
  expect(asked).toEqual([]);
  const asking = await runHere([...APPLY, ...LOOK_UP], { cwd });
  expect(asking.status, asking.out).toBe(0);
  expect(asked).toEqual([RETRIEVE]);
});

test("verify looks where the trust root's log is", async () => {
  const args = ["verify", name, "--key", "cosign.pub", "--trusted-root", "root.json"];
  expect((await runHere(args, { cwd })).status).toBe(1);
  expect(asked).toEqual([]);
  const { status, out } = await runHere([...args, ...LOOK_UP], { cwd });
  expect(status, out).toBe(0);
  expect(asked).toEqual([RETRIEVE]);
});

test("another word than `never` and `whenMissing` is a mistake", async () => {
  const { status, err } = await runHere([...APPLY, "--log-lookup", "always"], { cwd });
  expect(err).toContain("whenMissing");
  expect(status).toBe(2);
});

test("plan names the log where it may be asked, and asks nobody", async () => {
  const host = servers[1]?.host ?? "";
  const args = ["plan", "policy.yaml", "-r", "pod.json"];
  expect((await runHere(args, { cwd })).out).not.toContain(host);
  const { out } = await runHere([...args, ...LOOK_UP], { cwd });
  expect(out).toContain(
    `ask ${host}: logEntries http://${host} (if a signature comes without its log entry)`,
  );
  expect(out.split("\n").find((line) => line.startsWith("hosts:"))).toContain(host);
  expect(asked).toEqual([]);
});

test("a record holds what the log answered, and its replay asks nobody", async () => {
  const record = ["record", "policy.yaml", "-r", "pod.json", "--trusted-root", "root.json", ...LOOK_UP];
  const recorded = await runHere([...record, "--out", "web.record.json"], { cwd });
  expect(recorded.status, recorded.err).toBe(0);
  expect(asked).toEqual([RETRIEVE]);
  const replayed = await runHere(["replay", "web.record.json"], { cwd });
  expect(replayed.status, replayed.out).toBe(0);
  expect(asked).toEqual([RETRIEVE]);
});

test("createAssay({ logLookup }): one request, and a record that gives the verdict again", async () => {
  const assay = createAssay({ policies: policy, trust: { json: trustedRoot }, logLookup: "whenMissing" });
  const record = await assay.record({ resource: pod });
  expect(record.verdict.allowed).toBe(true);
  expect(record.options.logLookup).toBe("whenMissing");
  expect(await replay(record)).toEqual(record.verdict);
  expect(asked).toEqual([RETRIEVE]);
  const { logLookup: _, ...options } = record.options;
  expect((await replay({ ...record, options })).allowed).toBe(false);
});

test("evaluateImage(image, { key }, { logLookup }) looks up, and without it does not", async () => {
  const options = { trust: { json: trustedRoot } };
  expect((await evaluateImage(name, { key: key.pem }, options)).allowed).toBe(false);
  expect(asked).toEqual([]);
  expect(
    (await evaluateImage(name, { key: key.pem }, { ...options, logLookup: "whenMissing" })).allowed,
  ).toBe(true);
  expect(asked).toEqual([RETRIEVE]);
});

test("a log of one's own is asked in place of Rekor's HTTP", async () => {
  const urls: string[] = [];
  const log = {
    fetch: async ({ url }: { readonly url: string }) => {
      urls.push(url);
      return { ok: true, value: { json: "[]" } } as const;
    },
  };
  const assay = createAssay({
    policies: policy,
    trust: { json: trustedRoot },
    logLookup: "whenMissing",
    log,
  });
  const { results } = await assay.evaluate({ resource: pod });
  expect(results.map(({ code }) => code)).toEqual(["logMissing"]);
  expect(results[0]?.message).toContain("has none either");
  expect(urls).toEqual([servers[1]?.url]);
  expect(asked).toEqual([]);
});
