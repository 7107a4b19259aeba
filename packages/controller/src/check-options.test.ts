import { KubeConfig } from "@kubernetes/client-node";
import { expect, test } from "vitest";
import { startController } from "./controller.ts";
import type { ControllerOptions } from "./controller-options.ts";
import { electLeader } from "./leader-election.ts";
import { watchPolicies } from "./policy-watcher.ts";

const config = new KubeConfig();
config.loadFromOptions({
  clusters: [{ name: "c", server: "http://127.0.0.1:1" }],
  users: [{ name: "u" }],
  contexts: [{ name: "x", cluster: "c", user: "u" }],
  currentContext: "x",
});
const build = () => ({ evaluate: () => Promise.reject(new Error("unused")) });
const election = { namespace: "assay", identity: "me" };

test.each<[string, unknown, unknown, string]>([
  ["no config", undefined, { build }, "`config` is no `KubeConfig`"],
  ["a config that was not loaded", new KubeConfig(), { build }, "`config` has no current cluster"],
  ["no options", config, undefined, "`build` is no function"],
  ["an evaluator in place of `build`", config, { build: build() }, "`build` is no function"],
  [
    "one namespace as text",
    config,
    { build, exceptionNamespaces: "kyverno" },
    "`exceptionNamespaces` is no list",
  ],
  [
    "a namespace that got lost",
    config,
    { build, exceptionNamespaces: ["kyverno", undefined] },
    "`exceptionNamespaces[1]` is not the name of a namespace",
  ],
  [
    "every namespace, as Kyverno takes it",
    config,
    { build, exceptionNamespaces: ["*"] },
    "`exceptionNamespaces[0]` is not the name of a namespace",
  ],
  ["a misspelt scan", config, { build, scans: { election } }, "there is no option `scans` in `options`"],
  ["a scan that is text", config, { build, scan: "yes" }, "`scan` is no object"],
  [
    "a misspelt option of the scan",
    config,
    { build, scan: { election, interval: 5 } },
    "there is no option `interval` in `scan`",
  ],
  [
    "an election whose Lease lost its name",
    config,
    { build, scan: { election: { ...election, name: "" } } },
    "`scan.election.name` is no name of a Lease",
  ],
  ["a scan without election", config, { build, scan: {} }, "`scan.election.namespace` is missing"],
  [
    "an election without identity",
    config,
    { build, scan: { election: { namespace: "assay" } } },
    "`scan.election.identity` is missing",
  ],
  [
    "an interval that is no number",
    config,
    { build, scan: { election, intervalMs: Number.NaN } },
    "`scan.intervalMs` is no number above 0",
  ],
])("startController with %s says what to give", async (_, given, options, said) => {
  const attempt = startController(given as KubeConfig, options as ControllerOptions);
  await expect(attempt).rejects.toMatchObject({
    name: "ControllerError",
    code: "badOptions",
    message: expect.stringContaining(said),
  });
});

test("watchPolicies takes no text for a list of namespaces: its characters would be some", async () => {
  const attempt = watchPolicies(config, () => {}, { exceptionNamespaces: "kyverno" as never });
  await expect(attempt).rejects.toMatchObject({ code: "badOptions" });
});

test("an election whose Lease lasts no time is refused", async () => {
  const attempt = electLeader(config, { ...election, leaseSeconds: 0 }, async () => {}, AbortSignal.abort());
  await expect(attempt).rejects.toMatchObject({
    code: "badOptions",
    message: "`options.leaseSeconds` is no number above 0",
  });
});
