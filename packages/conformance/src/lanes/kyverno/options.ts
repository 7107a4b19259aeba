import { parseArgs } from "node:util";
import { type ProfileName, profileNames } from "./generate/case-set.ts";
import type { Binaries } from "./world/world.ts";

/** What a run was asked to do. */
export interface Options {
  readonly binaries: Binaries;
  readonly seed: number;
  readonly profiles: readonly ProfileName[];
  /** Sets of each profile; `Infinity`: until the time is over. */
  readonly sets: number;
  /** No further sets are begun after so many minutes; `Infinity`: until all are done. */
  readonly minutes: number;
  /** Only this set of each profile: repeats a finding. */
  readonly only?: number;
  /** Reviews of each set. */
  readonly reviews: number;
  /** Where the findings go as JSON too. */
  readonly json?: string;
}

/** For the command line. */
export const usage: string = `usage: npm run -s compare:kyverno -- [--minutes N | --sets N] [--seed N] [--profile NAME]... [--reviews N] [--json FILE]
  --minutes N     begin nothing further after N minutes (5)
  --sets N        compare N sets of each profile, however long it takes
  --set N         only the Nth set of each profile: repeats a finding
  --seed N        other numbers are other cases (1)
  --profile NAME  ${profileNames.join(", ")} (all)
  --reviews N     reviews of each set (8)
  --json FILE     writes what was counted and found`;

/** Reads the command line; throws on what makes no sense. */
export function readOptions(args: readonly string[]): Options {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...{ cluster: text, kyverno: text, minutes: text, sets: text, set: text, seed: text, reviews: text },
      ...{ json: text, profile: { type: "string", multiple: true } },
    },
  });
  const { cluster, kyverno, profile = profileNames } = values;
  if (cluster === undefined || kyverno === undefined)
    throw new Error("--cluster and --kyverno say where their builds are");
  const isTimed = values.sets === undefined && values.set === undefined;
  return {
    binaries: { cluster, kyverno },
    seed: number("seed", values.seed, 1),
    profiles: profile.map(profileNamed),
    sets: number("sets", values.sets, Number.POSITIVE_INFINITY),
    minutes: number("minutes", values.minutes, isTimed ? 5 : Number.POSITIVE_INFINITY),
    ...(values.set !== undefined && { only: number("set", values.set, 0) }),
    reviews: number("reviews", values.reviews, 8),
    ...(values.json !== undefined && { json: values.json }),
  };
}

function number(name: string, text: string | undefined, otherwise: number): number {
  const value = text === undefined ? otherwise : Number(text);
  if (text !== undefined && !/^\d+(?:\.\d+)?$/.test(text)) throw new Error(`--${name} is a number`);
  return value;
}

function profileNamed(text: string): ProfileName {
  const found = profileNames.find((name) => name === text);
  if (found === undefined) throw new Error(`--profile is one of ${profileNames.join(", ")}`);
  return found;
}
