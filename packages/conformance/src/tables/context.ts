import type { Value } from "@assay/conditions";
import { imageVariables, parseImageReference } from "@assay/image";
import { extractImages, type JsonObject } from "@assay/policy";
import type { TableCase } from "../table-case.ts";
import { floats, integers } from "./condition-error.ts";

type Names = Record<string, Value>;

/** The context of a case: its raw names, and what its setup steps add to them. */
export function contextOf(asked: TableCase): Value {
  const context: Names = { ...(floats(asked["context"] ?? {}) as Names) };
  const setup = Array.isArray(asked["setup"]) ? asked["setup"] : [];
  for (const step of setup) {
    const [name, ...args] = step as readonly unknown[];
    const run = steps[String(name)];
    if (run === undefined) throw new Error(`unknown setup step \`${String(name)}\``);
    run(context, args);
  }
  return context;
}

type Step = (context: Names, args: readonly unknown[]) => void;

/** The fields that an admission request always has. */
const emptyRequest: Names = {
  uid: "",
  kind: { group: "", version: "", kind: "" },
  resource: { group: "", version: "", resource: "" },
  operation: "",
  userInfo: {},
  object: null,
  oldObject: null,
  options: null,
};

/** Kyverno's ways to fill a context, by the names that the tables use. */
const steps: Readonly<Record<string, Step>> = {
  addRequest: (context, [request]) =>
    merge(context, { request: { ...emptyRequest, ...(floats(request) as Names) } }),
  addResource: (context, [resource]) => replace(context, ["request", "object"], integers(resource)),
  addOldResource: (context, [resource]) => replace(context, ["request", "oldObject"], integers(resource)),
  setTarget: (context, [resource]) => replace(context, ["target"], integers(resource)),
  addElement(context, [data, index, nesting]) {
    const element = floats(data);
    const position = BigInt(Number(index));
    Object.assign(context, {
      element,
      [`element${String(nesting)}`]: element,
      elementIndex: position,
      [`elementIndex${String(nesting)}`]: position,
    });
  },
  addVariable: (context, [name, value]) => merge(context, nested(fields(String(name)), floats(value))),
  addContextEntry: (context, [name, value]) => merge(context, { [String(name)]: floats(value) }),
  replaceContextEntry: (context, [name, value]) => replace(context, [String(name)], floats(value)),
  addOperation: (context, [operation]) => merge(context, { request: { operation: String(operation) } }),
  addNamespace: (context, [namespace]) => merge(context, { request: { namespace: String(namespace) } }),
  addServiceAccount(context, [user]) {
    const prefix = "system:serviceaccount:";
    const text = String(user);
    const groups = (text.length <= prefix.length ? "" : text.slice(prefix.length)).split(":");
    const [serviceAccountNamespace = "", serviceAccountName = ""] = groups.length >= 2 ? groups : [];
    Object.assign(context, { serviceAccountName, serviceAccountNamespace });
  },
  addImage: (context, [image]) =>
    merge(context, { image: { ...imageVariables(parseImageReference(String(image))) } }),
  addImages(context, [resource]) {
    const images = imagesOf(resource as JsonObject);
    if (Object.keys(images).length > 0) merge(context, { images });
  },
};

function imagesOf(resource: JsonObject): Names {
  const groups: Record<string, Names> = {};
  for (const { group, key, pointer, reference } of extractImages(resource, {}, {}).images) {
    // The parts that are empty are left out of `images`, unlike those of `image`.
    const parts = Object.entries(imageVariables(reference)).filter(([, value]) => value !== "");
    groups[group] = { ...groups[group], [key]: { ...Object.fromEntries(parts), jsonPointer: pointer } };
  }
  return groups;
}

/** Names with dots, in which quotes protect a dot. */
function fields(name: string): readonly string[] {
  return [...name.matchAll(/"((?:[^"]|"")*)"|([^.]+)/g)].map(
    (found) => found[1]?.replaceAll('""', '"') ?? found[2] ?? "",
  );
}

function nested(names: readonly string[], value: Value): Names {
  const [name = "", ...rest] = names;
  return { [name]: rest.length === 0 ? value : nested(rest, value) };
}

function replace(context: Names, names: readonly string[], value: Value): void {
  const [name = "", ...rest] = names;
  const [second] = rest;
  if (second === undefined) {
    context[name] = value;
    return;
  }
  const inner = isNames(context[name]) ? { ...context[name] } : {};
  inner[second] = value;
  context[name] = inner;
}

/** Maps merge, everything else replaces. */
function merge(target: Names, source: Names): void {
  for (const [name, value] of Object.entries(source)) {
    const known = target[name];
    if (isNames(known) && isNames(value)) {
      const copy = { ...known };
      merge(copy, value);
      target[name] = copy;
    } else {
      target[name] = value;
    }
  }
}

function isNames(value: Value | undefined): value is Names {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
