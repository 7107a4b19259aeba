import { beforeAll, expect, test } from "vitest";
import { fixtureRegistries } from "./fixture-registry.ts";
import { caseName, loadFixtures, runFixture } from "./run-fixtures.ts";

// Images that the real cosign signed and the real Kyverno judged; cases/fixtures/README.md says what each one is.
const set = loadFixtures(new URL("../cases/fixtures", import.meta.url).pathname);
let reach: typeof fetch;

beforeAll(async () => {
  ({ fetch: reach } = await fixtureRegistries(set.directory));
});

test.each(set.cases.map((asked, i) => [caseName(asked, i), asked.assay, asked] as const))(
  "%s: %s",
  async (name, _, asked) => {
    const result = await runFixture(set, asked, { fetch: reach, name });
    expect(result.outcome, `expected ${result.expected}, received ${result.received}`).toBe("passed");
  },
);
