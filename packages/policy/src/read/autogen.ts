import { parseKindSelector } from "../match/kind-selector.ts";
import type { Json, ResourceFilter, ResourceMatch, Rule } from "../model.ts";
import { isObject, own } from "../own-field.ts";
import { createReport, type Spot } from "../report.ts";
import { setOwn } from "../yaml/source-node.ts";
import { readMatch } from "./read-match.ts";
import { field, items } from "./read-node.ts";

/** Kinds that hold a Pod template, with the API version that generated rules name. */
const controllers: Readonly<Record<string, string>> = {
  DaemonSet: "apps/v1/DaemonSet",
  Deployment: "apps/v1/Deployment",
  Job: "batch/v1/Job",
  ReplicaSet: "apps/v1/ReplicaSet",
  ReplicationController: "v1/ReplicationController",
  StatefulSet: "apps/v1/StatefulSet",
};
const cronJob = "CronJob";
/** Which controllers rules are generated for. */
export const controllersAnnotation: string = "pod-policies.kyverno.io/autogen-controllers";

/**
 * The rules that Kyverno generates for Pod controllers out of rules about Pods (kyverno/pkg/autogen/v1): the same
 * rule over other kinds, with `request.object.spec` pointing at the Pod template.
 */
export function autogenRules(
  spec: Spot,
  rules: readonly Rule[],
  annotations: Readonly<Record<string, string>>,
): readonly Rule[] {
  if (!canGenerate(spec)) return [];
  const { kinds, cron } = wantedKinds(
    Object.hasOwn(annotations, controllersAnnotation) ? annotations[controllersAnnotation] : "all",
  );
  return rules.flatMap((rule) => {
    if (!isAboutPods(rule)) return [];
    const generated = kinds.length === 0 ? [] : [generate(rule, "autogen", kinds.map(qualified), "template")];
    return cron
      ? [...generated, generate(rule, "autogen-cronjob", [qualified(cronJob)], "jobTemplate")]
      : generated;
  });
}

/**
 * The kinds that the annotation names. Where none of them is a controller's, Kyverno takes the words as kinds
 * (`apps/v1/Deployment`, `*`), and for CronJobs it looks for the word anywhere (`Deployment;CronJob`).
 */
function wantedKinds(text = ""): { readonly kinds: readonly string[]; readonly cron: boolean } {
  const names = text.split(",").map((name) => name.trim());
  const all = names.includes("all");
  const known = Object.keys(controllers).filter((kind) => all || names.includes(kind));
  const others = names.filter((name) => !["", "none", cronJob].includes(name));
  return {
    kinds: known.length > 0 ? known : others,
    cron: text.includes(cronJob) || text.includes("all"),
  };
}

/** What of the annotation names no kind of Pod controllers: no rule is about it. Kinds with a version or wildcard are others'. */
export function unknownControllers(text: string): readonly string[] {
  const known = ["all", "none", cronJob, ...Object.keys(controllers)];
  const names = text.split(/[,;]/).map((name) => name.trim());
  return names.filter((name) => !known.includes(name) && !/[/*]/.test(name));
}

/** A policy that says more about its resources than kind and namespace keeps its rules as they are. */
function canGenerate(spec: Spot): boolean {
  const report = createReport();
  let needed = false;
  for (const rule of items(field(spec, "rules"))) {
    if (field(rule, "generate") !== undefined) return false;
    if (patchesJson(field(rule, "mutate"))) return false;
    for (const block of ["match", "exclude"]) {
      const match = field(rule, block);
      for (const filter of match === undefined ? [] : readMatch(match, report).filters) {
        if (!isPlain(filter)) return false;
        needed ||= (filter.kinds ?? []).some(
          (kind) => kind === "Pod" || kind === cronJob || Object.hasOwn(controllers, kind),
        );
      }
    }
  }
  return needed;
}

function patchesJson(mutate: Spot | undefined): boolean {
  return [mutate, ...items(field(mutate, "foreach"))].some(
    (one) => field(one, "patchesJson6902") !== undefined,
  );
}

function isPlain(filter: ResourceFilter): boolean {
  const { names, selector, annotations, kinds = [] } = filter;
  if (names !== undefined || selector !== undefined || annotations !== undefined) return false;
  return kinds.length < 2 || !kinds.some(namesPod);
}

function namesPod(kind: string): boolean {
  return parseKindSelector(kind).kind === "Pod";
}

function isAboutPods(rule: Rule): boolean {
  if (rule.name.startsWith("autogen-")) return false;
  const excluded = kindsOf(rule.exclude);
  return kindsOf(rule.match).some(namesPod) && (excluded.length === 0 || excluded.some(namesPod));
}

function kindsOf(match: ResourceMatch | undefined): readonly string[] {
  return match?.filters.flatMap((filter) => filter.kinds ?? []) ?? [];
}

function qualified(kind: string): string {
  if (Object.hasOwn(controllers, kind)) return controllers[kind] ?? kind;
  return kind === cronJob ? `batch/v1/${kind}` : kind;
}

type Template = "template" | "jobTemplate";

function generate(rule: Rule, prefix: string, kinds: readonly string[], template: Template): Rule {
  const { imageExtractors: _, ...copied } = shiftReferences(rule, template);
  return {
    ...copied,
    name: `${prefix}-${rule.name}`.slice(0, 63),
    autogenOf: rule.name,
    // Kyverno makes each filter of a CronJob's rule one about CronJobs, also those that named another kind, or none.
    match: withKinds(rule.match, kinds, (filter) => template === "jobTemplate" || isOfPods(filter)),
    ...(rule.exclude === undefined ? {} : { exclude: withKinds(rule.exclude, kinds, isOfPods) }),
    // Kyverno's generated rules have none: the struct that they are made through lacks the field.
    imageExtractors: {},
  };
}

function isOfPods({ kinds = [] }: ResourceFilter): boolean {
  return kinds.some(namesPod);
}

function withKinds(
  match: ResourceMatch,
  kinds: readonly string[],
  replaced: (filter: ResourceFilter) => boolean,
): ResourceMatch {
  return {
    ...match,
    filters: match.filters.map((filter) => (replaced(filter) ? { ...filter, kinds } : filter)),
  };
}

/** `request.object.spec` is the Pod's: in a controller it stands deeper. Byte by byte, as in Kyverno. */
function shiftReferences<T>(value: T, template: Template): T {
  const path = template === "template" ? "spec.template" : "spec.jobTemplate.spec.template";
  const shift = (text: string): string =>
    text.replaceAll(
      /request\.(object|oldObject)\.(spec|metadata)/g,
      (_, object, part) => `request.${object}.${path}.${part}`,
    );
  return mapText(value as never, shift) as T;
}

function mapText(value: Json, change: (text: string) => string): Json {
  if (typeof value === "string") return change(value);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => mapText(item, change));
  const object: Record<string, Json> = {};
  const placed = isPlaced(own(value, "source"));
  for (const [key, child] of Object.entries(value)) {
    const kept = placed && (key === "path" || key === "source");
    setOwn(object, change(key), kept ? child : mapText(child, change));
  }
  return object;
}

/** Positions and paths stay those of the rule that was written; a condition's value may have such keys of its own. */
function isPlaced(source: Json | undefined): boolean {
  return isObject(source) && typeof source["line"] === "number" && typeof source["file"] === "string";
}
