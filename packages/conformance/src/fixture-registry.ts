import { existsSync } from "node:fs";
import { join } from "node:path";
import { createRegistry, hostFetch, loadLayout, type Registry } from "@assay/testkit";

/** The two registries that the fixtures' policies and Pods name, behind one `fetch`. */
export interface FixtureRegistries {
  readonly registries: readonly Registry[];
  readonly fetch: typeof fetch;
}

/** `tags` stands for a registry without the referrers API, `referrers` for one with it. */
const LAYOUTS = [
  { directory: "images/tags", host: "127.0.0.1:5001", referrersApi: false },
  { directory: "images/referrers", host: "127.0.0.1:5002", referrersApi: true },
] as const;

/** Serves the image layouts of a fixture directory from memory. */
export async function fixtureRegistries(fixtures: string): Promise<FixtureRegistries> {
  const registries = await Promise.all(
    LAYOUTS.filter(({ directory }) => existsSync(join(fixtures, directory))).map(
      async ({ directory, host, referrersApi }) => {
        const registry = createRegistry({ host, referrersApi });
        await loadLayout(join(fixtures, directory), registry);
        return registry;
      },
    ),
  );
  const hosts = Object.fromEntries(registries.map(({ host, handle }) => [host, handle]));
  return { registries, fetch: hostFetch(hosts) };
}
