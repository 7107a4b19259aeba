import { setTimeout as sleep } from "node:timers/promises";
import { type Asked, differencesOf } from "./comparison.ts";
import { rowsOf } from "./differences.ts";
import type { CaseSet } from "./generate/case-set.ts";
import { historyOf } from "./generate/history.ts";
import type { KyvernoObject } from "./generate/policies.ts";
import type { Review } from "./generate/reviews.ts";
import { type AssaySide, assaySide, type Given } from "./sides/assay-side.ts";
import type { KyvernoSide } from "./sides/kyverno-side.ts";
import type { Finding, Tally } from "./tally.ts";
import type { World } from "./world/world.ts";

/** What a batch is compared with, and where it is counted. */
export interface Comparison {
  readonly world: World;
  readonly kyverno: KyvernoSide;
  readonly tally: Tally;
}

/** A set, and what of it both sides hold by: as the API server stores it, with its defaults. */
interface InForce {
  readonly set: CaseSet;
  readonly stored: Given;
}

/** Puts sets of different namespaces in force together, asks both sides, and counts. */
export async function compareBatch(comparison: Comparison, sets: readonly CaseSet[]): Promise<void> {
  const { kyverno } = comparison;
  await kyverno.clear();
  const inForce: InForce[] = [];
  for (const set of sets) inForce.push(await install(comparison, set));
  const [first] = sets;
  await kyverno.settle(`${first?.profile}-${first?.index}`);
  for (const one of inForce) if (one.stored.policies.length > 0) await compareSet(comparison, one);
}

async function install(comparison: Comparison, set: CaseSet): Promise<InForce> {
  const policies = await taken(comparison, set, set.policies);
  const exceptions = policies.length === 0 ? [] : await taken(comparison, set, set.exceptions);
  return { set, stored: { policies, exceptions } };
}

/** Those that both sides take, as they are stored; what only Kyverno takes is a difference, and not left there. */
async function taken(
  { world, kyverno, tally }: Comparison,
  set: CaseSet,
  objects: readonly KyvernoObject[],
): Promise<readonly KyvernoObject[]> {
  const both: KyvernoObject[] = [];
  for (const object of objects) {
    const stored = await kyverno.create(object);
    if (typeof stored === "string") {
      tally.refusedByKyverno(stored);
      continue;
    }
    const says = refusalOf(world, object) ?? refusalOf(world, stored);
    if (says === undefined) both.push(stored);
    else {
      const difference = { kind: "refused", says } as const;
      const alone = { ...set, policies: [object], exceptions: [] };
      tally.count({ set: alone, difference, rows: rowsOf(difference, undefined) });
      await kyverno.remove(object);
    }
  }
  return both;
}

/** Why assay does not take it, without the place; undefined: it does. */
function refusalOf(world: World, object: KyvernoObject): string | undefined {
  const isException = object.kind === "PolicyException";
  try {
    assaySide(world, { policies: isException ? [] : [object], exceptions: isException ? [object] : [] });
    return undefined;
  } catch (error) {
    const [first = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
    return first.replace(/^\S+?:\d+:\d+: ?/, "");
  }
}

async function compareSet(comparison: Comparison, { set, stored }: InForce): Promise<void> {
  const { world, kyverno, tally } = comparison;
  const assay = assaySide(world, stored);
  tally.begin(stored.policies.length);
  const held = { ...set, ...stored };
  const reviews = reviewsOf(set);
  for (let next = reviews.next(); next.done !== true; ) {
    const review = next.value;
    let asked = await askBoth({ kyverno, assay }, held, review);
    if (findings(set, asked).some(({ rows }) => rows === undefined)) {
      // Kyverno learns of exceptions and ConfigMaps in its own time: a finding must show twice.
      await sleep(500);
      asked = await askBoth({ kyverno, assay }, held, review);
    }
    tally.answered(asked, findings(set, asked));
    next = reviews.next(asked);
  }
}

/** Each takes what became of the one before. */
function reviewsOf({ history, reviews }: CaseSet): Generator<Review, void, Asked | undefined> {
  return history === undefined ? each(reviews) : historyOf(history);
}

function* each<T>(items: readonly T[]): Generator<T, void, unknown> {
  yield* items;
}

interface Sides {
  readonly kyverno: KyvernoSide;
  readonly assay: AssaySide;
}

async function askBoth(sides: Sides, set: CaseSet, review: Review): Promise<Asked | undefined> {
  const kyverno = await sides.kyverno.ask(set, review);
  return kyverno && { review, policies: set.policies, kyverno, assay: await sides.assay.ask(review) };
}

function findings(set: CaseSet, asked: Asked | undefined): readonly Finding[] {
  if (asked === undefined) return [];
  return differencesOf(asked).map((difference) => ({
    ...{ set, asked, difference },
    rows: rowsOf(difference, asked),
  }));
}
