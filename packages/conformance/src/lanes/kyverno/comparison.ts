import { imagesOf } from "./generate/objects.ts";
import type { KyvernoObject } from "./generate/policies.ts";
import type { Review } from "./generate/reviews.ts";
import type { Answer, Failure } from "./sides/answer.ts";

/** One point in which two answers are not the same. */
export type Difference =
  /** assay lets in what Kyverno denies: the worst. */
  | { readonly kind: "onlyAssayAllows" }
  | { readonly kind: "onlyKyvernoAllows" }
  /** Both say the same in the end, but a rule of one of them does not hold. */
  | { readonly kind: "failsInKyverno" | "failsInAssay"; readonly rule: string; readonly says: string }
  /** Both let it in, and something else would be stored. */
  | { readonly kind: "image"; readonly where: string; readonly kyverno: string; readonly assay: string }
  /** Kyverno takes a policy that assay does not. */
  | { readonly kind: "refused"; readonly says: string };

/** What was asked, and what both said. */
export interface Asked {
  /** In force, as the API server stores them. */
  readonly policies: readonly KyvernoObject[];
  readonly review: Review;
  readonly kyverno: Answer;
  readonly assay: Answer;
}

/** What one side says of a rule, where the other does not: what a difference consists of. */
export interface Claim {
  readonly side: "kyverno" | "assay";
  /** `POLICY/RULE`. */
  readonly rule: string;
  readonly says: string;
  /** assay's code of it. */
  readonly code?: string;
  /** Whether it made the difference between allowed and denied. */
  readonly decides: boolean;
}

/** One claim where both say the same in the end; where not, whatever denied. */
export function claimsOf(difference: Difference, { policies, kyverno, assay }: Asked): readonly Claim[] {
  switch (difference.kind) {
    case "onlyAssayAllows":
      // Kyverno's message has failures that are only audited, too; what it cannot evaluate blocks all the same.
      return blocking("kyverno", kyverno).filter(
        ({ rule, says }) => !/unverified image|missing digest/.test(says) || !isOnlyAudited(rule, policies),
      );
    case "onlyKyvernoAllows":
      return blocking("assay", assay);
    case "failsInKyverno":
      return [{ side: "kyverno", rule: difference.rule, says: difference.says, decides: false }];
    case "failsInAssay": {
      const { rule, says } = difference;
      return [{ ...codeOf(assay.failures[rule]), side: "assay", rule, says, decides: false }];
    }
    default:
      return [];
  }
}

function blocking(side: Claim["side"], { failures }: Answer): readonly Claim[] {
  return Object.entries(failures)
    .filter(([, { blocks }]) => blocks)
    .map(([rule, failure]) => ({ ...codeOf(failure), side, rule, says: failure.says, decides: true }));
}

function codeOf(failure: Failure | undefined): Pick<Claim, "code"> {
  return failure?.code === undefined ? {} : { code: failure.code };
}

/** Whether a rule can deny nothing, whatever it finds. */
function isOnlyAudited(rule: string, policies: Asked["policies"]): boolean {
  const [policy, name = ""] = rule.split("/");
  const spec = policies.find(({ metadata }) => metadata.name === policy)?.spec as Actions | undefined;
  if (spec === undefined || (spec.validationFailureActionOverrides ?? []).length > 0) return false;
  const own = name.replace(/^autogen-(?:cronjob-)?/, "");
  const entries = spec.rules.filter((one) => one.name === own).flatMap(({ verifyImages }) => verifyImages);
  return entries.every(
    ({ failureAction }) => (failureAction ?? spec.validationFailureAction ?? "Audit") === "Audit",
  );
}

interface Actions {
  readonly validationFailureAction?: string;
  readonly validationFailureActionOverrides?: readonly object[];
  readonly rules: readonly {
    readonly name: string;
    readonly verifyImages: readonly { readonly failureAction?: string }[];
  }[];
}

/** Every difference; none beside another verdict, which says enough. */
export function differencesOf(asked: Asked): readonly Difference[] {
  const { kyverno, assay } = asked;
  if (kyverno.allowed !== assay.allowed)
    return [{ kind: assay.allowed ? "onlyAssayAllows" : "onlyKyvernoAllows" }];
  return [...failures(asked), ...(assay.allowed ? images(asked) : [])];
}

function failures({ kyverno, assay, policies }: Asked): readonly Difference[] {
  const other = (failed: Answer["failures"], than: Answer["failures"]): readonly [string, Failure][] =>
    Object.entries(failed).filter(([rule]) => !Object.hasOwn(than, rule));
  return [
    ...other(kyverno.failures, assay.failures)
      .filter(([, { hook }]) => hook === "mutate" || assay.deniedBy !== "mutate")
      .map(([rule, { says }]) => ({ kind: "failsInKyverno" as const, rule, says })),
    ...other(assay.failures, kyverno.failures)
      .filter(([, { code = "" }]) => kyverno.deniedBy !== "mutate" || !LATE.has(code))
      .filter(
        ([rule]) => kyverno.unasked === undefined || failurePolicyOf(rule, policies) !== kyverno.unasked,
      )
      .map(([rule, { says }]) => ({ kind: "failsInAssay" as const, rule, says })),
  ];
}

/** Of the policy in force to which `POLICY/RULE` belongs. */
export function failurePolicyOf(rule: string, policies: Asked["policies"]): unknown {
  const spec = policies.find(({ metadata }) => metadata.name === rule.split("/")[0])?.spec ?? {};
  return "failurePolicy" in spec ? spec.failurePolicy : undefined;
}

/** What Kyverno's validating webhook finds; it is not asked about what the mutating one denied. */
const LATE: ReadonlySet<string> = new Set(["digestRequired", "unverifiedImage"]);

function images({ kyverno, assay }: Asked): readonly Difference[] {
  const ours = imagesOf(assay.object);
  return [...imagesOf(kyverno.object)].flatMap(([where, theirs]) => {
    const our = ours.get(where) ?? "";
    return our === theirs ? [] : [{ kind: "image" as const, where, kyverno: theirs, assay: our }];
  });
}
