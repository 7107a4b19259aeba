import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { KubeConfig } from "@kubernetes/client-node";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { clusterIdentity, loadKubeConfig } from "../src/inputs/kube-config.ts";
import { fakeTerminal } from "./fake-terminal.ts";

const GOOD = `apiVersion: v1
kind: Config
clusters: [{ name: c, cluster: { server: "https://10.0.0.1" } }]
users: [{ name: u, user: {} }]
contexts: [{ name: x, context: { cluster: c, user: u } }]
current-context: x
`;
let home = "";

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "assay-kube-"));
  await mkdir(join(home, ".kube"));
  await writeFile(join(home, ".kube", "config"), "clusters: [");
  await writeFile(join(home, "good.yaml"), GOOD);
  await writeFile(join(home, "broken.yaml"), "clusters: [");
  await writeFile(join(home, "other-context.yaml"), GOOD.replace("current-context: x", "current-context: y"));
});
afterAll(() => rm(home, { recursive: true }));
afterEach(() => {
  vi.unstubAllEnvs();
});

/** What is said of the configuration that `KUBECONFIG` and a flag name; nothing where it can be used. */
function said(listed: readonly string[], file?: string): string {
  const KUBECONFIG = listed.map((name) => join(home, name)).join(delimiter);
  const env = { HOME: home, KUBECONFIG };
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  try {
    const terminal = { ...fakeTerminal({ cwd: home }), env };
    loadKubeConfig(new KubeConfig(), { terminal, hint: "", ...(file === undefined ? {} : { file }) });
    return "";
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
}

test("clusters with one address are told apart by their authority", async () => {
  await writeFile(join(home, "ca.crt"), "authority");
  const identity = (cluster: object): string => {
    const config = new KubeConfig();
    const users = [{ name: "u" }];
    const server = "https://10.96.0.1:443";
    const clusters = [{ name: "c", server, skipTLSVerify: false, ...cluster }];
    config.loadFromOptions({
      clusters,
      users,
      contexts: [{ name: "x", cluster: "c", user: "u" }],
      currentContext: "x",
    });
    return clusterIdentity(config);
  };
  const caFile = join(home, "ca.crt");
  expect(identity({ caFile })).toBe(identity({ caData: Buffer.from("authority").toString("base64") }));
  expect(identity({ caFile })).not.toBe(identity({ caData: "b3RoZXI=" }));
  expect(() => identity({ caFile: join(home, "missing.crt") })).toThrow("cannot be read");
});

test("what is wrong with a kubeconfig is said with the file's name", () => {
  expect(said([], "good.yaml")).toBe("");
  expect(said(["good.yaml"])).toBe("");
  expect(said([], "broken.yaml")).toMatch(/^AssayError: kubeconfig `broken\.yaml` cannot be used: /);
  expect(said([], "other-context.yaml")).toBe("AssayError: `other-context.yaml` names no cluster");
  expect(said(["missing.yaml"])).toContain(
    `kubeconfig \`${home}/missing.yaml\` (of $KUBECONFIG) cannot be used: `,
  );
  expect(said([])).toContain(`kubeconfig \`${home}/.kube/config\` cannot be used: `);
  const two = said(["good.yaml", "broken.yaml"]);
  expect(two).toContain(
    `one of the kubeconfigs \`${home}/good.yaml\`, \`${home}/broken.yaml\` (of $KUBECONFIG) cannot`,
  );
});
