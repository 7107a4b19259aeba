import { join } from "node:path";
import { must } from "../../packages/conformance/src/lanes/cluster/answers.ts";
import {
  type ApiServer,
  startApiServer,
  until,
} from "../../packages/conformance/src/lanes/cluster/api-server.ts";
import { applyKyvernoDefinitions } from "../../packages/conformance/src/lanes/cluster/kyverno.ts";
import type { Owned } from "../../packages/conformance/src/lanes/cluster/owned.ts";
import { type Case, casesFor, fixtureImages, type Images } from "./cases.ts";
import { type Given, type Options, root } from "./options.ts";
import { startAssay } from "./peers/assay.ts";
import { givenPeer } from "./peers/given.ts";
import { startKyvernoPeer } from "./peers/kyverno.ts";
import type { Peer, Surroundings } from "./peers/peer.ts";
import { benchPolicy } from "./policy.ts";
import type { Registry } from "./registry.ts";
import { targetOf } from "./target.ts";
import { direct, throughApiServer, type Way } from "./ways.ts";

/** Who is measured, in which ways, with which images. */
export interface SetUp {
  readonly peers: readonly Peer[];
  readonly ways: readonly Way[];
  readonly images: Images;
}

/** Starts what the options ask for; resolves when every peer judges by the policy in every way. */
export async function setUp(options: Options, owned: Owned, registry: Registry | undefined): Promise<SetUp> {
  const { given } = options;
  if (given !== undefined) return setUpGiven(given, options);
  if (registry === undefined) throw new Error("there is no registry");
  const policy = benchPolicy(registry);
  const cluster = await startCluster(options, owned);
  const surroundings: Surroundings = { options, owned, policy, ...(cluster && { cluster }) };
  const starts = options.kyverno ? [startAssay, startKyvernoPeer] : [startAssay];
  const peers: Peer[] = [];
  for (const start of starts) peers.push(await start(surroundings));
  const ways = [direct(options.direct)];
  if (cluster !== undefined) {
    await judgeBy(cluster, policy, peers);
    ways.push(throughApiServer(options.created, await targetOf(cluster.kubeconfig("admin"))));
  }
  const images = { host: registry.host, digest: registry.digest, all: true };
  for (const peer of peers) await judging(peer, ways, casesFor({ ...images, all: false }));
  return { peers, ways, images };
}

async function setUpGiven(given: Given, options: Options): Promise<SetUp> {
  const peer = givenPeer(given);
  const ways = [direct(options.direct)];
  if (given.kubeconfig !== undefined) {
    ways.push(throughApiServer(options.created, await targetOf(given.kubeconfig)));
  }
  const images = fixtureImages(given.registry);
  await judging(peer, ways, casesFor(images));
  return { peers: [peer], ways, images };
}

async function startCluster(options: Options, owned: Owned): Promise<ApiServer | undefined> {
  if (options.clusterBinaries === undefined) return undefined;
  const cluster = await startApiServer(options.clusterBinaries, join(owned.directory, "cluster"));
  owned.atEnd(() => cluster.stop());
  if (options.kyverno && options.kyvernoFiles !== undefined) {
    await applyKyvernoDefinitions(cluster, options.kyvernoFiles);
  } else {
    await must(cluster.kubectl(["apply", "--server-side", "-k", join(root, "deploy/crds")]));
  }
  return cluster;
}

/** The policy goes into the cluster as an administrator would put it there: Kyverno's own check of it has to pass. */
async function judgeBy(
  { kubectl, ...cluster }: ApiServer,
  policy: object,
  peers: readonly Peer[],
): Promise<void> {
  for (const { namespace } of peers) await must(kubectl(["create", "namespace", namespace]));
  await must(kubectl(["apply", "--server-side", "-f", "-"], JSON.stringify(policy)));
  for (const peer of peers) await peer.register({ kubectl, ...cluster });
}

/** Waits until the peer pins what is signed and denies what is not, in every way. */
async function judging(peer: Peer, ways: readonly Way[], cases: readonly Case[]): Promise<void> {
  for (const way of ways) {
    let last: unknown;
    const holds = async (): Promise<boolean> => {
      const connection = way.connect(peer, 1);
      try {
        for (const one of cases) await connection.admit(one);
        return true;
      } catch (cause) {
        last = cause;
        return false;
      } finally {
        connection.close();
      }
    };
    try {
      await until(holds, 90_000, `${peer.name} (${way.name})`);
    } catch (cause) {
      throw new Error(`${(cause as Error).message}: ${last instanceof Error ? last.message : last}`, {
        cause,
      });
    }
  }
}
