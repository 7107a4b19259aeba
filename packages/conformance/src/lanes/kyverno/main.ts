// Random policies, exceptions and admission reviews through the real Kyverno and through assay; every difference is one that
// docs/compatibility.md lists, or a finding. Called by `npm run compare:kyverno` and scripts/lanes/kyverno.lane.sh, which say
// where etcd, kube-apiserver and Kyverno are. The last line is `N passed, N failed`.
import { writeFileSync } from "node:fs";
import { own } from "../cluster/owned.ts";
import { type Comparison, compareBatch } from "./batch.ts";
import { type CaseSet, caseSet, type ProfileName } from "./generate/case-set.ts";
import { type Options, readOptions, usage } from "./options.ts";
import { asJson, readable, summary } from "./report.ts";
import { kyvernoSide } from "./sides/kyverno-side.ts";
import { createTally, type Finding } from "./tally.ts";
import { NAMESPACES, namespaces } from "./world/objects.ts";
import { startWorld, type World } from "./world/world.ts";

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const options = understood();
const owned = own("kyverno");
let names: World["names"] | undefined;
const told = new Set<string>();
const tally = createTally(tell);
try {
  const world = await startWorld(owned, options.binaries);
  names = world.names;
  print(`Kyverno serves at ${world.kyverno.url}; ${world.names.images.length} images, seed ${options.seed}`);
  await compareAll({ world, tally, kyverno: kyvernoSide(world.cluster, world.kyverno, world.names) });
} catch (cause) {
  process.stderr.write(`last lines of Kyverno:\n${owned.log("kyverno")}\n`);
  throw cause;
}
if (options.json !== undefined) writeFileSync(options.json, asJson(tally, options));
for (const line of summary(tally)) print(line);
for (const shortfall of shortfalls()) print(shortfall);
const failed = tally.unexplained.length + shortfalls().length;
print(`${tally.agreed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

function understood(): Options {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n${usage}\n`);
    process.exit(2);
  }
}

/** Each kind of finding of a set once: what is wrong with one review is mostly wrong with the others, too. */
function tell(finding: Finding): void {
  const text = readable(finding, { seed: options.seed, names });
  const head = text.split("\n", 2).join("\n");
  print(told.has(head) ? `${head}\n  (another review)` : text);
  told.add(head);
}

/** Batches of each profile in turn, until all sets are done or the time is over. */
async function compareAll(comparison: Comparison): Promise<void> {
  const end = Date.now() + options.minutes * 60_000;
  for (let first = 0; first < options.sets; first += NAMESPACES) {
    for (const profile of options.profiles) {
      if (Date.now() > end) return;
      await compareBatch(comparison, setsOf(comparison.world, profile, first));
      print(
        `${profile}, to set ${first + NAMESPACES}: ${tally.reviews} reviews, ${tally.unexplained.length} unexplained`,
      );
    }
    if (options.only !== undefined) return;
  }
}

function setsOf({ names }: World, profile: ProfileName, first: number): readonly CaseSet[] {
  const { seed, sets, only, reviews } = options;
  return namespaces.flatMap((namespace, slot) => {
    const index = only === undefined ? first + slot : only;
    const isWanted = only === undefined ? index < sets : only % NAMESPACES === slot;
    return isWanted ? [caseSet({ profile, seed, index, namespace, names, reviews })] : [];
  });
}

/** Why the comparison has shown nothing: it failed without a finding then. */
function shortfalls(): readonly string[] {
  const { reviews, allowed, denied, unanswered } = tally;
  const isWhole = options.only === undefined;
  return [
    ...(isWhole && allowed === 0 ? ["FAIL  nothing was allowed by both"] : []),
    ...(isWhole && denied === 0 ? ["FAIL  nothing was denied by both"] : []),
    ...(unanswered * 20 > reviews ? ["FAIL  Kyverno left more than one in twenty unanswered"] : []),
  ];
}
