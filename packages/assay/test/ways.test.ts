import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEngine } from "@assay/engine";
import { parseImageReference } from "@assay/image";
import { loadPolicies } from "@assay/policy";
import { diskCache } from "@assay/sources/cache";
import { exportLayout, layoutSource } from "@assay/sources/layout";
import { createRegistry } from "@assay/testkit";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sourcesOf } from "../src/create-assay.ts";
import {
  type Assay,
  type AssayOptions,
  createAssay,
  decodeRecord,
  encodeRecord,
  replay,
  type Verdict,
} from "../src/index.ts";
import { anEntry, aPod, evidence, images, judge, policyOf, World } from "./random-world.ts";

// The same images and evidence say the same, however they are read.

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "assay-ways-"));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const host = "registry.test";
let layouts = 0;
async function layoutOf(registry: AssayOptions["registry"]): Promise<string> {
  const layout = join(directory, `layout-${layouts++}`);
  const names = images.flatMap(({ bare, hidden }) => [
    `${host}/${bare.repository}:${bare.tag}`,
    `${host}/${hidden.repository}:${hidden.tag}`,
  ]);
  await exportLayout({
    images: names.map((name) => parseImageReference(name)),
    directory: layout,
    registry: registry ?? {},
    signal: AbortSignal.timeout(30_000),
  });
  return layout;
}

/** Registries that hold the same and show it otherwise. */
function otherRegistries() {
  return {
    tagged: createRegistry({ referrersApi: false }),
    paged: createRegistry({ pageSize: 1 }),
    mirror: createRegistry({ host: "mirror.test" }),
  };
}

/** Assays that read the world in every way. */
async function waysTo(
  world: World,
  { tagged, paged, mirror }: ReturnType<typeof otherRegistries>,
  policies: string,
): Promise<Record<string, Pick<Assay, "evaluate">>> {
  const options: AssayOptions = { ...world.options, policies };
  const by = (registry: AssayOptions["registry"]) =>
    createAssay({ ...options, registry: { credentials: [], ...registry } });
  const assay = createAssay(options);
  const away = createEngine({
    policies: loadPolicies(policies).policies,
    sources: sourcesOf(options),
    clock: options.clock ?? (() => new Date()),
    limits: { largeEvidenceBytes: 1 },
  });
  const mirrors = [{ prefix: host, location: "mirror.test", only: true }];
  return {
    "by tags alone": by({ fetch: tagged.fetch }),
    "page by page": by({ fetch: paged.fetch }),
    "from a mirror": by({ fetch: mirror.fetch, mirrors }),
    "through a cache on disk": by({
      fetch: world.registry.fetch,
      cache: diskCache({ directory: join(directory, "cache") }),
    }),
    "from a layout": createAssay({ ...options, source: layoutSource(await layoutOf(options.registry)) }),
    "in a thread": { evaluate: async (request) => (await away.evaluate(request)).verdict },
    "from a record": {
      evaluate: async (request) => replay(decodeRecord(encodeRecord(await assay.record(request)))),
    },
  };
}

/** What a denial names beside its first reason depends on what had to be known to be sure of it. */
function essence({ allowed, outcome, results, patches }: Verdict): unknown {
  const told = results.map(({ image, outcome: is, code, digest }) => [image, is, code, digest]);
  return { allowed, outcome, patches, told };
}

test("no verdict depends on how images and evidence are read", { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anEntry, { minLength: 1, maxLength: 3 }),
      fc.tuple(...images.map(() => evidence)),
      fc.array(aPod, { minLength: 1, maxLength: 3 }),
      async (entries, hung, pods) => {
        const others = otherRegistries();
        const world = new World(createRegistry(), ...Object.values(others));
        for (const [index, each] of hung.entries()) world.hang(index, each);
        const policies = policyOf(entries);
        const said = (await judge(createAssay({ ...world.options, policies }), pods)).map(essence);
        for (const [way, assay] of Object.entries(await waysTo(world, others, policies)))
          expect([way, (await judge(assay, pods)).map(essence)]).toEqual([way, said]);
      },
    ),
    { numRuns: 6 },
  );
});
