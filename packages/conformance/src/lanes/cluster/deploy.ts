import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { must } from "./answers.ts";
import type { ApiServer } from "./api-server.ts";
import { type Checks, mustContain } from "./checks.ts";

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: { readonly template?: { readonly spec: object } };
}

/** The manifests of `deploy/`, as they are shipped, against the API server's own schemas and admission. */
export async function deployChecks(
  check: Checks["check"],
  { kubectl, root }: Pick<ApiServer, "kubectl"> & { readonly root: string },
): Promise<void> {
  const text = await must(kubectl(["kustomize", join(root, "deploy/base")]));
  const manifests = parseAllDocuments(text).map((document) => document.toJS() as Manifest);
  const dryRun = (object: object): Promise<string> =>
    must(kubectl(["apply", "--dry-run=server", "--validate=strict", "-f", "-"], JSON.stringify(object)));
  await check("deploy/base: the API server accepts every object, without an unknown field", async () => {
    // cert-manager's own kinds are not there: its definitions are installed with it.
    const ours = manifests.filter(({ apiVersion }) => !apiVersion.startsWith("cert-manager.io/"));
    for (const manifest of ours) await dryRun(manifest);
    mustContain(ours.map(({ kind }) => kind).join(" "), "Deployment");
  });
  await check("deploy/base: its Pod is let in by the restricted Pod security standard", async () => {
    const spec = manifests.find(({ kind }) => kind === "Deployment")?.spec?.template?.spec;
    const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "assay", namespace: "assay" }, spec };
    await dryRun(pod);
  });
  await check("deploy/base: its account may do what assay does, and no more", async () => {
    const may = async (verb: string, ...what: readonly string[]): Promise<string> =>
      (
        await kubectl(["auth", "can-i", verb, ...what, "--as=system:serviceaccount:assay:assay"])
      ).stdout.trim();
    const answers = await Promise.all([
      may("watch", "clusterpolicies.kyverno.io"),
      may("create", "events", "-n", "default"),
      may("update", "events", "-n", "default"),
      may("list", "events", "-n", "default"),
      may("update", "leases.coordination.k8s.io", "-n", "assay"),
      may("update", "leases.coordination.k8s.io", "-n", "default"),
      may("create", "pods", "-n", "default"),
      may("update", "secrets", "-n", "assay"),
      may("update", "clusterpolicies.kyverno.io"),
      may("patch", "mutatingwebhookconfigurations.admissionregistration.k8s.io"),
    ]);
    mustContain(answers.join(" "), /^yes yes yes no yes no no no no no$/);
  });
}
