import { denied, must } from "./answers.ts";
import type { ApiServer, KubectlAnswer } from "./api-server.ts";
import type { Checks } from "./checks.ts";

const namespace = "before";
const labels = { app: "old" };
const finalizers = ["example.com/f"];

/** Objects of before there was a webhook. */
export async function storeBefore({ kubectl }: ApiServer, image: string, signed: string): Promise<void> {
  await must(kubectl(["create", "namespace", namespace]));
  const pod = { containers: [{ name: "c", image }] };
  const template = { metadata: { labels }, spec: pod };
  const spec = { replicas: 3, selector: { matchLabels: labels }, template };
  const objects = [
    ...["old", "ended", "kept"].map((name) => ({ apiVersion: "v1", kind: "Pod", name, spec: pod })),
    { apiVersion: "apps/v1", kind: "Deployment", name: "old", spec },
    { apiVersion: "v1", kind: "Pod", name: "debugged", spec: { containers: [{ name: "c", image: signed }] } },
  ];
  for (const { name, ...object } of objects) {
    const metadata = { namespace, name, labels, finalizers };
    await must(kubectl(["create", "-f", "-"], JSON.stringify({ ...object, metadata })));
  }
  await must(kubectl(debugging(signed, "first")));
}

function debugging(image: string, name: string): readonly string[] {
  return [
    ...["-n", namespace, "debug", "debugged", `--image=${image}`, `--container=${name}`, "--attach=false"],
  ];
}

/** What a policy refuses is got rid of under the policy. */
export async function windingDown(
  check: Checks["check"],
  { kubectl }: ApiServer,
  { other, signed }: { readonly other: string; readonly signed: string },
): Promise<void> {
  const run = (...args: readonly string[]) => kubectl(["-n", namespace, ...args]);
  const patch = (kind: string, name: string, change: object) =>
    run("patch", kind, name, "--type=merge", "-p", JSON.stringify(change));
  const free = { metadata: { finalizers: [] } };
  const image = (kind: string) => ["set", "image", `${kind}/old`, `c=${other}`];
  await check("an object of before the policy may be deleted, and its finalizer taken off", async () => {
    await denied(patch("pod", "old", free));
    await must(run("delete", "pod", "old", "--wait=false", "--grace-period=0"));
    await denied(run(...image("pod")));
    await must(patch("pod", "old", free));
    await denied(run("get", "pod", "old"));
  });
  await check("a Pod that has ended loses its finalizer", async () => {
    await must(run("patch", "pod", "ended", "--subresource=status", "-p", '{"status":{"phase":"Failed"}}'));
    await denied(patch("pod", "kept", free));
    await must(patch("pod", "ended", free));
  });
  await check(
    "a Pod that was debugged before the policy, by tag, may be debugged again and labelled",
    async () => {
      await must(kubectl(debugging(signed, "second")));
      await must(patch("pod", "debugged", { metadata: { labels: { n: "1" } } }));
      await denied(kubectl(debugging(other, "third")));
    },
  );
  await check("a workload of before the policy may be scaled down, not up, and not be changed", async () => {
    await denied(patch("deployment", "old", { spec: { replicas: 4 } }));
    await denied(run(...image("deployment")));
    await must(patch("deployment", "old", { spec: { replicas: 0 } }));
    await denied(patch("deployment", "old", { metadata: { labels: { app: "new" } } }));
  });
}

/** What is left of them: scans are to find nothing that is refused. */
export async function removeBefore(kubectl: ApiServer["kubectl"]): Promise<KubectlAnswer> {
  const run = (...args: readonly string[]) => kubectl(["-n", namespace, ...args]);
  const gone = await run("delete", "pods", "--all", "--wait=false", "--grace-period=0");
  for (const name of gone.status === 0 ? ["kept", "debugged"] : [])
    await run("patch", "pod", name, "--type=merge", "-p", '{"metadata":{"finalizers":[]}}');
  return gone;
}
