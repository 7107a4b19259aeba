import { isLabelKey, isLabelValue } from "../match/label-selector.ts";
import type { LabelSelector, Operation, ResourceFilter, ResourceMatch } from "../model.ts";
import { placeOf, type Report, type Spot } from "../report.ts";
import { entries, field, items, optional, textOf, textRecord, textsOf } from "./read-node.ts";

/** Reads `match` or `exclude`: any, all, or the old direct form, which is an `all` of one. */
export function readMatch(spot: Spot, report: Report): ResourceMatch {
  const any = items(field(spot, "any"));
  const all = items(field(spot, "all"));
  const direct = ["resources", "roles", "clusterRoles", "subjects"].some(
    (key) => field(spot, key) !== undefined,
  );
  if (any.length > 0 && all.length > 0) report.error("conflict", spot, "can't specify any and all together");
  if (direct && any.length + all.length > 0) {
    report.error("conflict", spot, "can't specify any/all together with match resources");
  }
  checkNoVariables(spot, report);
  if (direct) return { ...placeOf(spot), mode: "all", filters: [readFilter(spot, report)] };
  const filters = (any.length > 0 ? any : all).map((filter) => readFilter(filter, report));
  return { ...placeOf(spot), mode: any.length > 0 ? "any" : "all", filters };
}

/** Reads a label selector as written; wildcards are expanded when it is matched. */
export function readSelector(spot: Spot | undefined): LabelSelector | undefined {
  if (spot === undefined) return undefined;
  const labels = field(spot, "matchLabels");
  const expressions = field(spot, "matchExpressions");
  return {
    ...(labels === undefined ? {} : { matchLabels: textRecord(labels) }),
    ...(expressions === undefined ? {} : { matchExpressions: items(expressions).map(readExpression) }),
  };
}

function readExpression(spot: Spot): NonNullable<LabelSelector["matchExpressions"]>[number] {
  const values = field(spot, "values");
  return {
    key: textOf(field(spot, "key")) ?? "",
    operator: (textOf(field(spot, "operator")) ?? "In") as "In",
    ...(values === undefined ? {} : { values: textsOf(values) }),
  };
}

function readFilter(spot: Spot, report: Report): ResourceFilter {
  const resources = field(spot, "resources");
  const name = textOf(field(resources, "name"));
  const names = textsOf(field(resources, "names"));
  if (name !== undefined && name !== "" && names.length > 0 && resources !== undefined) {
    report.error("conflict", resources, "both name and names can not be specified together");
  }
  const annotations = field(resources, "annotations");
  const filter: ResourceFilter = {
    ...nonEmpty("kinds", textsOf(field(resources, "kinds"))),
    ...nonEmpty("names", name !== undefined && name !== "" ? [name] : names),
    ...nonEmpty("namespaces", textsOf(field(resources, "namespaces"))),
    ...nonEmpty("operations", textsOf(field(resources, "operations")) as readonly Operation[]),
    ...(entries(annotations).length === 0 ? {} : { annotations: textRecord(annotations) }),
    ...optional("selector", readCheckedSelector(field(resources, "selector"), report)),
    ...optional("namespaceSelector", readCheckedSelector(field(resources, "namespaceSelector"), report)),
    ...nonEmpty("roles", textsOf(field(spot, "roles"))),
    ...nonEmpty("clusterRoles", textsOf(field(spot, "clusterRoles"))),
    ...nonEmpty(
      "subjects",
      items(field(spot, "subjects")).map((subject) => readSubject(subject, report)),
    ),
  };
  for (const role of items(field(spot, "roles"))) {
    if (textOf(role)?.split(":").length !== 2) {
      report.error("badValue", role, "role is expected to be in namespace:name format");
    }
  }
  return filter;
}

function readCheckedSelector(spot: Spot | undefined, report: Report): LabelSelector | undefined {
  for (const expression of items(field(spot, "matchExpressions"))) {
    const operator = textOf(field(expression, "operator")) ?? "";
    const values = items(field(expression, "values"));
    const count = values.length;
    const key = textOf(field(expression, "key")) ?? "";
    const wrong = isLabelKey(key)
      ? values.map((value) => textOf(value) ?? "").find((value) => !isLabelValue(value))
      : key;
    if (wrong !== undefined) {
      report.error(
        "badValue",
        expression,
        `no label is like \`${wrong}\`, and matchExpressions take no wildcards`,
      );
    }
    const takesValues = operator === "In" || operator === "NotIn";
    if (takesValues && count === 0) {
      report.error("badValue", expression, `for \`${operator}\` operator, values set can't be empty`);
    }
    if (!takesValues && count > 0) {
      report.error("badValue", expression, `values set must be empty for \`${operator}\``);
    }
  }
  return readSelector(spot);
}

function readSubject(spot: Spot, report: Report): NonNullable<ResourceFilter["subjects"]>[number] {
  const kind = textOf(field(spot, "kind")) ?? "";
  const namespace = textOf(field(spot, "namespace"));
  if (kind === "ServiceAccount" && (namespace ?? "") === "") {
    report.error("missingField", spot, "namespace is required when Kind is ServiceAccount");
  }
  return { kind, name: textOf(field(spot, "name")) ?? "", ...optional("namespace", namespace) };
}

/** Kyverno does not substitute here: a variable would silently be a literal that never matches. */
function checkNoVariables(spot: Spot, report: Report): void {
  const found = findVariable(spot);
  if (found === undefined) return;
  const section = spot.path.endsWith("exclude") ? "exclude" : "match";
  report.error("unsupported", found, `rule should not have variables in ${section} section`);
}

function findVariable(spot: Spot): Spot | undefined {
  if (/\{\{|\$\(/.test(textOf(spot) ?? "")) return spot;
  for (const child of [...items(spot), ...entries(spot).map(([, entry]) => entry)]) {
    const found = findVariable(child);
    if (found !== undefined) return found;
  }
  return undefined;
}

function nonEmpty<K extends string, V>(key: K, values: readonly V[]): { readonly [P in K]?: readonly V[] } {
  return values.length === 0 ? {} : ({ [key]: values } as { readonly [P in K]: readonly V[] });
}
