import { createServer } from "node:http";
import { join } from "node:path";
import type { TrustSource } from "@assay/engine";
import { createRegistry, loadLayout, type Registry } from "@assay/testkit";
import { must } from "../../cluster/answers.ts";
import { type ApiServer, freePort, startApiServer } from "../../cluster/api-server.ts";
import { applyKyvernoDefinitions, type Kyverno, startKyverno } from "../../cluster/kyverno.ts";
import type { Owned } from "../../cluster/owned.ts";
import type { NamedImage, Surroundings } from "../generate/surroundings.ts";
import { pushImages, pushKeyless } from "./images.ts";
import { judged, objects, taskDefinition } from "./objects.ts";
import { createSigners } from "./signers.ts";
import { serveTuf } from "./tuf.ts";

/** What both sides are asked in. */
export interface World {
  readonly cluster: ApiServer;
  readonly kyverno: Kyverno;
  readonly names: Surroundings;
  /** By which keyless signatures are verified where a policy names no roots: from the TUF repository that Kyverno has, too. */
  readonly trust: TrustSource;
}

/** Where the lane's scripts have put what they built. */
export interface Binaries {
  /** What `cluster-build.sh` prints. */
  readonly cluster: string;
  /** What `kyverno-build.sh` prints. */
  readonly kyverno: string;
}

const fixtures = new URL("../../../../cases/fixtures/", import.meta.url).pathname;

/** Registries in this process, an API server and Kyverno; they end with this process. */
export async function startWorld(owned: Owned, binaries: Binaries): Promise<World> {
  const registries = [await serve(owned, false), await serve(owned, true)] as const;
  const signers = createSigners();
  const images = pushImages(registries, signers);
  const cosign = [await load(registries[0], "images/tags"), await load(registries[1], "images/referrers")];
  const [tags, referrers] = registries;
  const names = {
    ...signers.pem,
    hosts: [tags.host, referrers.host],
    log: await emptyLog(owned),
    images,
    keyless: pushKeyless(registries, signers),
    fixtures: cosign.flat(),
  } as const;
  const cluster = await startApiServer(binaries.cluster, join(owned.directory, "cluster"));
  owned.atEnd(() => cluster.stop());
  await applyKyvernoDefinitions(cluster, binaries.kyverno);
  await must(cluster.kubectl(["apply", "-f", "-"], JSON.stringify(taskDefinition)));
  const tuf = await serveTuf(owned, signers);
  const kyverno = await startKyverno({
    ...{ files: binaries.kyverno, cluster, owned, resourceFilters },
    ...{ flags: [...flags, ...tuf.flags], env: tuf.env },
    namespaceSelector: { matchLabels: judged },
  });
  const items = objects(names.keys);
  await must(
    cluster.kubectl(["apply", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items })),
  );
  return { cluster, kyverno, names, trust: tuf.trust };
}

/** No image is judged by what was found for another policy; exceptions count wherever they are. */
const flags = [
  ...["--imageVerifyCacheEnabled=false", "--enablePolicyException=true", "--exceptionNamespace=*"],
  // Nobody reads reports and events here, and making them would keep the machine busy.
  ...["--admissionReports=false", "--omitEvents=PolicyApplied,PolicySkipped,PolicyViolation,PolicyError"],
  ...["--clientRateLimitQPS=500", "--clientRateLimitBurst=1000"],
];

/** The chart's, without ReplicaSets: those are asked about, too. */
const resourceFilters =
  "[Event,*,*] [*/*,kube-system,*] [*/*,kube-public,*] [*/*,kube-node-lease,*] [Node,*,*] [Node/?*,*,*] " +
  "[APIService,*,*] [TokenReview,*,*] [Binding,*,*] [Pod/binding,*,*] [EphemeralReport,*,*]";

async function serve(owned: Owned, referrersApi: boolean): Promise<Registry> {
  const port = await freePort();
  const registry = createRegistry({ host: `127.0.0.1:${port}`, referrersApi });
  const server = await registry.listen(port);
  owned.atEnd(() => void server.close());
  return registry;
}

/** Images that cosign signed, sorted: a set names the same one in every run. */
async function load(registry: Registry, layout: string): Promise<readonly NamedImage[]> {
  await loadLayout(join(fixtures, layout), registry);
  return registry
    .manifests()
    .flatMap(({ repository, tag, descriptor }) =>
      repository.startsWith("acme/") && tag !== undefined && !tag.startsWith("sha256-")
        ? [{ host: registry.host, repository, tag, digest: descriptor.digest }]
        : [],
    )
    .sort((one, other) => `${one.repository}:${one.tag}`.localeCompare(`${other.repository}:${other.tag}`));
}

/** A log that has nothing: whoever asks it for an entry gets none, at once. */
async function emptyLog(owned: Owned): Promise<string> {
  const port = await freePort();
  const server = createServer((request, response) => {
    response.setHeader("content-type", "application/json");
    response.end(request.url?.includes("retrieve") === true ? "[]" : "{}");
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  owned.atEnd(() => void server.close());
  return `http://127.0.0.1:${port}`;
}
