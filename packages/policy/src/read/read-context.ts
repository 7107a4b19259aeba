import type { ContextEntry, RegistryCredentials } from "../model.ts";
import { placeOf, type Report, type Spot } from "../report.ts";
import { field, filledText, flagOf, items, jsonOf, optional, textOf, textsOf } from "./read-node.ts";

const kinds = ["configMap", "apiCall", "imageRegistry", "variable", "globalReference"] as const;
/** Names that the request itself takes (kyverno/pkg/validation/policy/validate.go). */
const reserved = [
  "images",
  "request",
  "serviceAccountName",
  "serviceAccountNamespace",
  "element",
  "elementIndex",
];

/** Reads one context entry: a name and exactly one source. */
export function readContextEntry(spot: Spot, report: Report): ContextEntry | undefined {
  const name = textOf(field(spot, "name")) ?? "";
  const given = kinds.filter((kind) => field(spot, kind) !== undefined);
  const kind = given[0];
  if (kind === undefined || given.length > 1) {
    const message = `exactly one of configMap or apiCall or imageRegistry or variable is required for context entries`;
    report.error("conflict", spot, `context entry \`${name}\`: ${message}`);
    return undefined;
  }
  if (name === "") report.error("missingField", spot, "a name is required for context entries");
  const taken = reserved.find((one) => name === one || name.startsWith(`${one}.`));
  if (taken !== undefined) {
    report.error(
      "conflict",
      spot,
      `entry name ${name} is invalid as it conflicts with a pre-defined variable ${taken}`,
    );
  }
  const source = field(spot, kind);
  if (source === undefined) return undefined;
  return { ...placeOf(spot), name, ...readSource(kind, source, report) };
}

type Source = ContextEntry extends infer E
  ? E extends { kind: string }
    ? Omit<E, "path" | "source" | "name">
    : never
  : never;

function readSource(kind: (typeof kinds)[number], spot: Spot, report: Report): Source {
  const jmesPath = optional("jmesPath", filledText(field(spot, "jmesPath")));
  switch (kind) {
    case "configMap": {
      const namespace = optional("namespace", filledText(field(spot, "namespace")));
      return { kind, configMap: { name: textOf(field(spot, "name")) ?? "", ...namespace } };
    }
    case "variable":
      return readVariable(spot, report);
    case "apiCall":
      return readApiCall(spot, report);
    case "imageRegistry":
      return {
        kind,
        reference: textOf(field(spot, "reference")) ?? "",
        ...jmesPath,
        ...optional(
          "registryCredentials",
          readRegistryCredentials(field(spot, "imageRegistryCredentials"), report),
        ),
      };
    case "globalReference":
      return { kind, globalName: textOf(field(spot, "name")) ?? "", ...jmesPath };
  }
}

function readVariable(spot: Spot, report: Report): Source {
  const value = jsonOf(field(spot, "value"));
  const jmesPath = filledText(field(spot, "jmesPath"));
  const fallback = jsonOf(field(spot, "default"));
  if (value === undefined && jmesPath === undefined) {
    report.error("missingField", spot, "a variable must define a value or a jmesPath expression");
  }
  if (fallback !== undefined && jmesPath === undefined) {
    report.error(
      "conflict",
      spot,
      "a variable must define a default value only when a jmesPath expression is defined",
    );
  }
  const parts = {
    ...optional("value", value),
    ...optional("jmesPath", jmesPath),
    ...optional("default", fallback),
  };
  return { kind: "variable", ...parts };
}

function readApiCall(spot: Spot, report: Report): Source {
  const urlPath = filledText(field(spot, "urlPath"));
  const service = field(spot, "service");
  if (urlPath !== undefined && service !== undefined) {
    report.error("conflict", spot, "a URLPath cannot be used for service API calls");
  }
  if (urlPath === undefined && service === undefined) {
    report.error("missingField", spot, "an apiCall needs `urlPath` or `service`");
  }
  const method = textOf(field(spot, "method")) === "POST" ? "POST" : "GET";
  const data = items(field(spot, "data")).map((pair): [string, unknown] => [
    textOf(field(pair, "key")) ?? "",
    jsonOf(field(pair, "value")) ?? null,
  ]);
  if (data.length > 0 && method === "GET") {
    report.error("conflict", spot, "only `method: POST` can send `data`");
  }
  return {
    kind: "apiCall",
    method,
    ...optional("urlPath", urlPath),
    ...(data.length === 0 ? {} : { data: Object.fromEntries(data) as never }),
    ...(service === undefined ? {} : { service: readService(service) }),
    ...optional("jmesPath", filledText(field(spot, "jmesPath"))),
    ...optional("default", jsonOf(field(spot, "default"))),
  };
}

function readService(spot: Spot): NonNullable<Extract<ContextEntry, { kind: "apiCall" }>["service"]> {
  const headers = items(field(spot, "headers")).map((header) => ({
    key: textOf(field(header, "key")) ?? "",
    value: textOf(field(header, "value")) ?? "",
  }));
  return {
    url: textOf(field(spot, "url")) ?? "",
    ...optional("caBundle", filledText(field(spot, "caBundle"))),
    ...(headers.length === 0 ? {} : { headers }),
  };
}

/** Reads `imageRegistryCredentials`. */
export function readRegistryCredentials(
  spot: Spot | undefined,
  report: Report,
): RegistryCredentials | undefined {
  if (spot === undefined) return undefined;
  for (const secret of items(field(spot, "secrets"))) {
    if (textOf(secret)?.includes("{{") !== true) continue;
    const message =
      "variables in names of secrets are not filled in: no such Secret will be found (Kyverno fills them in)";
    report.warning("unsupported", secret, message);
  }
  return {
    allowInsecureRegistry: flagOf(field(spot, "allowInsecureRegistry")) ?? false,
    providers: textsOf(field(spot, "providers")),
    secrets: textsOf(field(spot, "secrets")),
  };
}
