import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createRegistry, createSigstore, image, slsa } from "@assay/testkit";
import { webhookConfigurations } from "@assay/webhook";
import { createAssay } from "assay";
import { expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { repository } from "./workspace.ts";

// The cluster lane applies the same files to a real API server.
const base = join(repository, "deploy/base");
const read = (name: string): string => readFileSync(join(base, name), "utf8");

test("deploy/ names the image and the packages by the version that it is released with", () => {
  const { version } = JSON.parse(readFileSync(join(repository, "packages/assay/package.json"), "utf8"));
  const [image] = parse(read("kustomization.yaml")).images;
  const [container] = parse(read("deployment.yaml")).spec.template.spec.containers;
  // kustomize leaves other names as they are, and would take a tag here for the image's own.
  expect(image).toEqual({ name: container.image, newTag: version });
  expect(container.image).not.toMatch(/[:@]/);
  const dockerfile = readFileSync(join(repository, "deploy/Dockerfile"), "utf8");
  expect(/^ARG ASSAY_VERSION=(.*)$/m.exec(dockerfile)?.[1]).toBe(version);
});

test("the release pushes the image that deploy/base names, as the one that deploy/README.md's policy admits", async () => {
  const release = parse(readFileSync(join(repository, ".github/workflows/release.yml"), "utf8"));
  const name: string = release.jobs.image.env.IMAGE;
  expect(name).toBe(parse(read("kustomization.yaml")).images[0].name);
  const readme = readFileSync(join(repository, "deploy/README.md"), "utf8");
  const policies = /```yaml\n(apiVersion: kyverno.*?)```/s.exec(readme)?.[1] ?? "";
  const [host = "", path = ""] = name.split(/\/(.*)/);
  const sigstore = createSigstore();
  const registry = createRegistry({ host });
  const assay = createAssay({
    policies,
    registry: { fetch: registry.fetch, credentials: [] },
    trust: { json: sigstore.trustedRoot() },
    clock: sigstore.clock,
  });
  const judged = async (workflow: string): Promise<boolean> => {
    const subject = `https://github.com/${path}/.github/workflows/${workflow}`;
    const pushed = image({ repository: path, tag: "1.2.3", content: workflow })
      .using({ format: "bundle-v0.3" })
      .attestedBy(sigstore.identity({ subject }), slsa())
      .pushTo(registry);
    const spec = { containers: [{ name: "assay", image: pushed.reference }] };
    const resource = { apiVersion: "v1", kind: "Pod", metadata: { name: "assay" }, spec };
    return (await assay.evaluate({ resource })).allowed;
  };
  expect(await judged("release.yml@refs/tags/v1.2.3")).toBe(true);
  expect(await judged("release.yml@refs/heads/main")).toBe(false);
  expect(await judged("ci.yml@refs/tags/v1.2.3")).toBe(false);
});

test("deploy/base names every file in it", () => {
  const files = readdirSync(base).filter((name) => name !== "kustomization.yaml");
  expect(parse(read("kustomization.yaml")).resources.toSorted()).toEqual(files.toSorted());
});

test("deploy/base/webhooks.yaml is what `webhookConfigurations` makes for policies of failurePolicy Fail", () => {
  const policies = [{ failurePolicy: "Fail", webhookTimeoutSeconds: 10, rules: [] }] as const;
  const made = webhookConfigurations(policies, {
    client: { service: { namespace: "assay", name: "assay" } },
    caBundle: "",
    exemptNamespaces: ["assay", "kube-system"],
  });
  const shipped = parseAllDocuments(read("webhooks.yaml")).map((document) => document.toJS());
  // cert-manager fills in the authority.
  const withoutCa = JSON.parse(JSON.stringify(made), (key, value) =>
    key === "caBundle" ? undefined : value,
  );
  for (const [i, configuration] of shipped.entries()) {
    expect(configuration.metadata.annotations).toEqual({ "cert-manager.io/inject-ca-from": "assay/assay" });
    delete configuration.metadata.annotations;
    expect(configuration).toEqual(withoutCa[i]);
  }
  expect(shipped).toHaveLength(made.length);
});

test("deploy/base runs the image's own command, with flags that `assay serve` has", () => {
  const [container] = parse(read("deployment.yaml")).spec.template.spec.containers;
  const entrypoint = /^ENTRYPOINT (.*)$/m.exec(
    readFileSync(join(repository, "deploy/Dockerfile"), "utf8"),
  )?.[1];
  const [, , command, ...more] = JSON.parse(entrypoint ?? "[]");
  expect(command).toBe("serve");
  const help = readFileSync(join(repository, "docs/reference/cli.md"), "utf8");
  const serve = /## assay serve\n(.*?)\n## /s.exec(help)?.[1] ?? "";
  const flags = [...more, ...container.args].flatMap((word: string) => /^--[^=]+/.exec(word)?.[0] ?? []);
  expect(flags.length).toBeGreaterThan(2);
  expect(flags.filter((flag: string) => !serve.includes(`  ${flag} `))).toEqual([]);
});

test("deploy/base: where the file system is read-only, what is written has a place", () => {
  const { containers, volumes } = parse(read("deployment.yaml")).spec.template.spec;
  expect(containers[0].securityContext.readOnlyRootFilesystem).toBe(true);
  const tmp = containers[0].volumeMounts.find((mount: { mountPath: string }) => mount.mountPath === "/tmp");
  expect(volumes).toContainEqual(expect.objectContaining({ name: tmp?.name, emptyDir: expect.anything() }));
  // `~/.cache/assay` holds Sigstore's trust root between refreshes.
  expect(containers[0].env).toContainEqual({ name: "HOME", value: "/tmp" });
});

test("deploy/base: a Pod that ends answers until nobody is sent to it any more", () => {
  const { containers, terminationGracePeriodSeconds = 30 } = parse(read("deployment.yaml")).spec.template
    .spec;
  const delay = containers[0].args.find((flag: string) => flag.startsWith("--shutdown-delay="));
  const seconds = Number(delay.split("=")[1]);
  expect(seconds).toBeGreaterThanOrEqual(3);
  // Then reviews in flight have ten seconds.
  expect(seconds + 10).toBeLessThan(terminationGracePeriodSeconds);
});

test("deploy/Dockerfile bundles with the esbuild that the bundle is tested with", () => {
  const dockerfile = readFileSync(join(repository, "deploy/Dockerfile"), "utf8");
  const { catalog } = parse(readFileSync(join(repository, "pnpm-workspace.yaml"), "utf8"));
  expect(catalog.esbuild).toMatch(/^\d+\.\d+\.\d+$/);
  expect([...dockerfile.matchAll(/esbuild@(\S+)/g)].map(([, version]) => version)).toEqual([catalog.esbuild]);
});
