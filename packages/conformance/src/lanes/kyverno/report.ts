import { stringify } from "yaml";
import { type Asked, claimsOf, type Difference } from "./comparison.ts";
import { imagesOf } from "./generate/objects.ts";
import type { KyvernoObject } from "./generate/policies.ts";
import type { Surroundings } from "./generate/surroundings.ts";
import type { Answer } from "./sides/answer.ts";
import type { Finding, Tally } from "./tally.ts";

/** What a run's findings are told with. */
export interface Told {
  readonly seed: number;
  /** Whose keys are said by name; undefined where there are none yet. */
  readonly names: Surroundings | undefined;
}

/** A finding as somebody reads it who has to mend it: the rules, the review, both answers, and how to see it again. */
export function readable({ set, asked, difference }: Finding, { seed, names }: Told): string {
  const { profile, index, policies, exceptions } = set;
  const rules = rulesInQuestion(difference, asked);
  const text = [
    `DIFFERENCE ${titleOf(difference)}`,
    `repeat: npm run -s compare:kyverno -- --seed ${seed} --profile ${profile} --set ${index}`,
    ...policies.flatMap((policy) => narrowed(policy, rules)).map(manifest),
    ...exceptions.map(manifest),
    ...(asked === undefined ? [] : conversation(asked, rules)),
  ].join("\n");
  return names === undefined ? text : withKeyNames(text, names);
}

/** The numbers of a run, for its end. */
export function summary(tally: Tally): readonly string[] {
  const { sets, policies, reviews, allowed, denied, unanswered, explained, refusals } = tally;
  const refused = [...refusals.values()].reduce((sum, count) => sum + count, 0);
  return [
    `${sets} sets of ${policies} policies, ${reviews} reviews: both allowed ${allowed}, both denied ${denied}`,
    `Kyverno refused ${refused} policies, and gave no answer (its code panicked) to ${unanswered} reviews`,
    ...[...explained].map(([row, count]) => `as docs/compatibility.md says, ${count}: ${row}`),
  ];
}

/** The same for programs, with every finding whole. */
export function asJson(tally: Tally, options: object): string {
  const { unexplained, explained, refusals, ...counts } = tally;
  const findings = unexplained.map(({ set, difference, asked }) => {
    const { profile, index, policies, exceptions } = set;
    return { profile, set: index, difference, ...asked, policies, exceptions };
  });
  const numbers = { explained: Object.fromEntries(explained), refusals: Object.fromEntries(refusals) };
  return JSON.stringify({ ...options, ...counts, ...numbers, unexplained: findings }, null, 1);
}

function titleOf(difference: Difference): string {
  switch (difference.kind) {
    case "onlyAssayAllows":
      return "assay allows what Kyverno denies";
    case "onlyKyvernoAllows":
      return "assay denies what Kyverno allows";
    case "failsInKyverno":
      return `only Kyverno says that ${difference.rule} does not hold`;
    case "failsInAssay":
      return `only assay says that ${difference.rule} does not hold`;
    case "image":
      return `${difference.where} becomes ${difference.kyverno} in Kyverno, ${difference.assay} in assay`;
    case "refused":
      return `assay refuses what Kyverno takes: ${difference.says}`;
  }
}

/** `POLICY/RULE` of whatever made the difference; none: anything may have. */
function rulesInQuestion(difference: Difference, asked: Asked | undefined): readonly string[] {
  return asked === undefined ? [] : claimsOf(difference, asked).map(({ rule }) => rule);
}

/** The policy with the rules in question alone; nothing where none of them is its. A generated rule stands for what it was made of. */
function narrowed(policy: KyvernoObject, rules: readonly string[]): readonly KyvernoObject[] {
  if (rules.length === 0) return [policy];
  const spec = policy.spec as { readonly rules: readonly { readonly name: string }[] };
  const own = rules.map((rule) => rule.replace(/\/autogen-(?:cronjob-)?/, "/"));
  const left = spec.rules.filter(({ name }) => own.includes(`${policy.metadata.name}/${name}`));
  return left.length === 0 ? [] : [{ ...policy, spec: { ...spec, rules: left } }];
}

/** Without what the API server adds to every object. */
function manifest({ apiVersion, kind, metadata, spec }: KyvernoObject): string {
  const { name, namespace, annotations } = metadata;
  return indented(kind, stringify({ apiVersion, kind, metadata: { name, namespace, annotations }, spec }));
}

function conversation({ review, kyverno, assay }: Asked, rules: readonly string[]): readonly string[] {
  const { operation, userInfo, subResource, object, oldObject } = review;
  const what = subResource === undefined ? operation : `${operation} ${subResource}`;
  return [
    indented(`${what} by ${userInfo.username}`, stringify(object ?? oldObject)),
    ...(operation === "UPDATE" ? [indented("before", stringify(oldObject))] : []),
    indented("Kyverno", said(kyverno, rules)),
    indented("assay", said(assay, rules)),
  ];
}

function said({ allowed, deniedBy, failures, object }: Answer, rules: readonly string[]): string {
  const about = Object.entries(failures)
    .filter(([rule]) => rules.length === 0 || rules.includes(rule))
    .map(([rule, { hook, says }]) => `${rule} (${hook}): ${says}`);
  const images = allowed ? [...imagesOf(object)].map(([where, image]) => `${where}: ${image}`) : [];
  return [allowed ? "allowed" : `denied by ${deniedBy}`, ...about, ...images].join("\n");
}

function withKeyNames(text: string, { keys }: Surroundings): string {
  return Object.entries(keys).reduce((rest, [name, pem]) => {
    const lines = pem
      .trim()
      .split("\n")
      .map((line) => line.replaceAll("+", "\\+"));
    return rest.replaceAll(new RegExp(`${lines.join("\\s+")}`, "g"), `(key ${name})`);
  }, text);
}

function indented(title: string, text: string): string {
  return `  ${title}:\n${text.trimEnd().replaceAll(/^/gm, "    ")}`;
}
