import { type Random, randomOf } from "../../../random.ts";
import { broadPolicy } from "./broad.ts";
import { exception } from "./exceptions.ts";
import { type History, history } from "./history.ts";
import { keylessPolicy } from "./keyless.ts";
import { autogenPolicy, conditionsPolicy, exceptedPolicy, extractorsPolicy, matchPolicy } from "./narrow.ts";
import type { FailurePolicy, KyvernoObject } from "./policies.ts";
import { attestedReview, keylessReview, type Review, review } from "./reviews.ts";
import { overlappingPolicy, overlappingReview } from "./several.ts";
import type { Scope, Surroundings } from "./surroundings.ts";

/** Policies that hold together in one namespace, and what both sides are asked about under them. */
export interface CaseSet {
  readonly profile: ProfileName;
  /** Which of the seed's sets it is. */
  readonly index: number;
  readonly namespace: string;
  /** Of all of its policies; `mixed`: each has its own. */
  readonly failurePolicy: FailurePolicy | "mixed";
  readonly policies: readonly KyvernoObject[];
  readonly exceptions: readonly KyvernoObject[];
  /** Each by itself. */
  readonly reviews: readonly Review[];
  /** Those that build upon each other, in place of `reviews`. */
  readonly history?: History;
}

/** What the sets of a run may be about. */
export type ProfileName = (typeof profileNames)[number];

/** `broad` has some of everything, the others much of one thing. */
export const profileNames = [
  "broad",
  "conditions",
  "match",
  "exceptions",
  "autogen",
  "extractors",
  "keyless",
  "several",
  "history",
] as const;

/** Everything that a set of a profile consists of but for its name. */
type Made = Pick<CaseSet, "failurePolicy" | "policies"> & Partial<Pick<CaseSet, "exceptions">>;

interface Profile {
  readonly make: (scope: Scope, names: Names) => Made;
  /** Absent: a history. */
  readonly review?: (scope: Scope) => Review;
}

/** Names of objects, each set's own: what is left of another set must not answer for it. */
interface Names {
  readonly policy: (index: number) => string;
  readonly exception: (index: number) => string;
}

const profiles: Readonly<Record<ProfileName, Profile>> = {
  broad: { make: broad, review },
  conditions: { make: conditions, review: attestedReview },
  match: {
    make: (scope, { policy }) => ({
      failurePolicy: "Fail",
      policies: scope.random.list([1, 1, 2], (index) => matchPolicy(scope, policy(index))),
    }),
    review,
  },
  exceptions: { make: excepted, review },
  autogen: {
    make: (scope, { policy }) => ({ failurePolicy: "Fail", policies: [autogenPolicy(scope, policy(0))] }),
    review,
  },
  extractors: {
    make: (scope, { policy }) => ({ failurePolicy: "Fail", policies: [extractorsPolicy(scope, policy(0))] }),
    review,
  },
  keyless: {
    make: (scope, { policy }) => {
      // What is only audited is said beside what denies, as if it had denied, too.
      const isEnforced = scope.random.chance(0.5);
      const made = (index: number): KyvernoObject => keylessPolicy(scope, policy(index), isEnforced);
      return { failurePolicy: "Fail", policies: scope.random.list(isEnforced ? [1, 2] : [1], made) };
    },
    review: keylessReview,
  },
  several: { make: several([2, 2, 3, 4]), review: overlappingReview },
  history: { make: several([1, 1, 2]) },
};

/** Which set is wanted, and what it may name. */
export interface Wanted {
  readonly profile: ProfileName;
  readonly seed: number;
  readonly index: number;
  readonly namespace: string;
  readonly names: Surroundings;
  /** How many reviews. */
  readonly reviews: number;
}

/** The set: the same in every run, but for ports, keys and digests. */
export function caseSet({ profile, seed, index, namespace, names, reviews }: Wanted): CaseSet {
  const scope: Scope = { random: randomFor(profile, seed, index), namespace, names };
  const called = (kind: string) => (number: number) => `${kind}-${profile}-${index}-${number}`;
  const made = profiles[profile].make(scope, { policy: called("p"), exception: called("x") });
  const set = { profile, index, namespace, exceptions: [], ...made };
  const { review } = profiles[profile];
  if (review === undefined) return { ...set, reviews: [], history: history(scope, reviews) };
  return { ...set, reviews: Array.from({ length: reviews }, () => review(scope)) };
}

/** Neighbouring sets have nothing in common. */
function randomFor(profile: ProfileName, seed: number, index: number): Random {
  const from = [profileNames.indexOf(profile), seed, index];
  return randomOf(from.reduce((state, number) => randomOf(state ^ number).below(2 ** 31), 0));
}

function broad(scope: Scope, { policy, exception: called }: Names): Made {
  const { random } = scope;
  const failurePolicy = random.chance(0.88) ? "Fail" : "Ignore";
  const policies = random.list([1, 1, 2, 3], (index) => broadPolicy(scope, policy(index), failurePolicy));
  const exceptions = random.chance(0.12) ? [exception(scope, called(0), policies)] : [];
  return { failurePolicy, policies, exceptions };
}

function conditions(scope: Scope, { policy }: Names): Made {
  const { random } = scope;
  const failurePolicy = random.one(["Fail", "Ignore"] as const);
  if (random.chance(0.5))
    return { failurePolicy, policies: [conditionsPolicy(scope, policy(0), { failurePolicy })] };
  const policies = [0, 1].map((index) => conditionsPolicy(scope, policy(index), undefined));
  return { failurePolicy: "Ignore", policies };
}

function several(lengths: readonly number[]): Profile["make"] {
  return (scope, { policy, exception: called }) => {
    const { random } = scope;
    const policies = random.list(lengths, (index) => overlappingPolicy(scope, policy(index)));
    const exceptions = random.chance(0.25) ? [exception(scope, called(0), policies)] : [];
    return { failurePolicy: "mixed", policies, exceptions };
  };
}

function excepted(scope: Scope, { policy, exception: called }: Names): Made {
  const { random } = scope;
  const policies = random.list([1, 1, 2], (index) => exceptedPolicy(scope, policy(index)));
  const exceptions = random.list([1, 1, 2], (index) => exception(scope, called(index), policies));
  return { failurePolicy: "Fail", policies, exceptions };
}
