import { admitted, denied, must } from "./answers.ts";
import { type KubectlAnswer, until } from "./api-server.ts";
import { type Checks, mustContain } from "./checks.ts";

export interface Reached {
  readonly kubectl: (args: readonly string[], stdin?: string) => Promise<KubectlAnswer>;
  readonly image: (name: string) => string;
}

/** Everything that a policy judges gets to the webhook by the configurations that are printed for it. */
export async function reachChecks(check: Checks["check"], { kubectl, image }: Reached): Promise<void> {
  const create = (object: object, ...flags: readonly string[]) =>
    kubectl(["create", "-o", "json", "-f", "-", ...flags], JSON.stringify(object));
  const task = (version: string, name: string) => ({
    ...{ apiVersion: `tekton.dev/${version}`, kind: "Task", metadata: { name } },
    spec: { steps: [{ name: "s", image: image(name) }] },
  });
  const unsigned = () => create(task("v1", "unsigned"), "--dry-run=server");
  await until(async () => !(await admitted(unsigned())), 10_000, "the printed configurations");
  await check("a kind with image extractors is judged in whatever version it comes, and pinned", async () => {
    for (const version of ["v1", "v1beta1"]) {
      mustContain(await denied(create(task(version, "unsigned"))), "[notSigned]");
      const made = JSON.parse(await must(create(task(version, "key-ecdsa"))));
      mustContain(`${made.apiVersion} ${made.spec.steps[0].image}`, /^tekton\.dev\/v1.*@sha256:/);
      await must(kubectl(["delete", "tasks.tekton.dev", "key-ecdsa"]));
    }
  });
  await check("another group's StatefulSet is a StatefulSet", async () => {
    const containers = [{ name: "c", image: image("unsigned") }];
    const set = { apiVersion: "apps.kruise.io/v1beta1", kind: "StatefulSet", metadata: { name: "a" } };
    const spec = { template: { spec: { containers } } };
    mustContain(await denied(create({ ...set, spec })), "kruise:");
  });
  await check(
    "a deletion is judged where a policy says so: a signed tag goes, what is unsigned stays",
    async () => {
      const remove = (name: string) =>
        kubectl(["-n", "before", "delete", "pod", name, "--force", "--grace-period=0"]);
      mustContain(await denied(remove("kept")), "deletions:");
      const flag = `--image=${image("key-ecdsa")}`;
      await must(kubectl(["-n", "before", "run", "signed", flag]));
      await must(remove("signed"));
    },
  );
}
