import {
  type ImageReference,
  ImageReferenceError,
  type ImageReferenceOptions,
  parseImageReference,
} from "@assay/image";
import type { ImageExtractor, Json, JsonObject, Rule } from "../model.ts";
import { isObject, own, ownText } from "../own-field.ts";
import { selectJsonPath } from "./select-json-path.ts";

/** An image that a resource names. Two containers of the same name are two images. */
export interface ExtractedImage {
  /** `containers`, `initContainers`, `ephemeralContainers`, or an extractor's name (`custom`). */
  readonly group: string;
  /** Container name; the pointer where the extractor names no key. */
  readonly key: string;
  /** JSON pointer (RFC 6901) of the text in the resource. */
  readonly pointer: string;
  readonly reference: ImageReference;
  /** Names of the `imagePullSecrets` beside and above it, in the resource's namespace. */
  readonly pullSecrets: readonly string[];
}

/** Why the images of a resource cannot be told: the rule cannot be decided then. */
export interface ExtractionProblem {
  readonly code: "badImage" | "badKey" | "badStructure" | "badTransform";
  readonly message: string;
  readonly pointer: string;
  /** Container name, where it has one. */
  readonly key?: string;
}

export interface ImageExtraction {
  readonly images: readonly ExtractedImage[];
  /** INVARIANT: empty, or `images` must not be relied upon: something else may run. */
  readonly problems: readonly ExtractionProblem[];
  /** JSON pointers where an image should be and none is named; of a kind that has images but names none, where it would. At most ten. */
  readonly unnamed: readonly string[];
}

export interface ImageExtractionOptions extends ImageReferenceOptions {
  /** Evaluates an extractor's `jmesPath` over the field's text. Throws what it throws as a problem. */
  readonly evaluate?: (expression: string, input: string) => unknown;
}

const podGroups = ["initContainers", "containers", "ephemeralContainers"];
const controllerPath = ["spec", "template", "spec"];
const podPaths: ReadonlyMap<string, readonly string[]> = new Map([
  ["Pod", ["spec"]],
  ["DaemonSet", controllerPath],
  ["Deployment", controllerPath],
  ["ReplicaSet", controllerPath],
  ["ReplicationController", controllerPath],
  ["StatefulSet", controllerPath],
  ["Job", controllerPath],
  ["CronJob", ["spec", "jobTemplate", ...controllerPath]],
]);

/** Kinds whose images are found without a rule's own extractors, whatever their group is. */
export const builtInKinds: readonly string[] = [...podPaths.keys()];

/**
 * The images of a resource in the order of its fields (kyverno/pkg/utils/api/image.go). A rule's extractors for the
 * kind replace the built-in ones; kinds that are not known have no images. Never throws: what is wrong with the
 * resource is a problem that names its place.
 */
export function extractImages(
  resource: JsonObject,
  extractors: Rule["imageExtractors"] = {},
  options: ImageExtractionOptions = {},
): ImageExtraction {
  const kind = ownText(resource, "kind");
  const custom = Object.hasOwn(extractors, kind) ? extractors[kind] : undefined;
  const found: Found = { images: [], problems: [], unnamed: [] };
  if (custom?.length === 0) {
    found.problems.push({ code: "badStructure", message: `no extractors found for ${kind}`, pointer: "" });
  }
  const plans = custom === undefined ? builtIn(kind) : custom.map(customPlan);
  for (const plan of plans) {
    const before = countOf(found);
    if (plan.value === "" && plan.jsonPath === undefined) {
      const message = `the path of an image extractor for ${kind} is empty`;
      found.problems.push({ code: "badStructure", message, pointer: "" });
    } else if (plan.jsonPath === undefined) walk(resource, plan.fields, { ...start, plan, options, found });
    else selectPath(resource, plan.jsonPath, { ...start, plan, options, found });
    // A Pod must have containers; of what extractors look for, any will do.
    if (custom === undefined && plan.group === "containers" && countOf(found) === before)
      noteUnnamed(found, () => placeOf(plan));
  }
  const [first] = plans;
  if (countOf(found) === 0 && first !== undefined) noteUnnamed(found, () => placeOf(first));
  return found;
}

/** So many places without an image are told of: the object's author chooses how many there are. */
const maxUnnamed = 10;

function noteUnnamed({ unnamed }: Found, place: () => string): void {
  if (unnamed.length < maxUnnamed) unnamed.push(place());
}

function countOf({ images, problems, unnamed }: Found): number {
  return images.length + problems.length + unnamed.length;
}

function placeOf({ jsonPath, fields, value }: Plan): string {
  return jsonPath ?? pointerOf([...fields, value]);
}

interface Plan {
  readonly group: string;
  readonly fields: readonly string[];
  /** Field that holds the image, and the one that names it. */
  readonly value: string;
  readonly key?: string;
  readonly jmesPath?: string;
  readonly jsonPath?: string;
}

interface Found {
  readonly images: ExtractedImage[];
  readonly problems: ExtractionProblem[];
  readonly unnamed: string[];
}

interface Walk {
  readonly plan: Plan;
  readonly options: ImageExtractionOptions;
  readonly found: Found;
  readonly path: readonly string[];
  readonly pullSecrets: readonly string[];
}
const start = { path: [], pullSecrets: [] } as const;

function builtIn(kind: string): readonly Plan[] {
  const path = podPaths.get(kind);
  if (path === undefined) return [];
  return podGroups.map((group) => ({ group, fields: [...path, group, "*"], key: "name", value: "image" }));
}

function customPlan(extractor: ImageExtractor): Plan {
  const group = extractor.name ?? "custom";
  const { key, jmesPath } = extractor;
  const rest = {
    group,
    ...(key === undefined ? {} : { key }),
    ...(jmesPath === undefined ? {} : { jmesPath }),
  };
  const path = extractor.path.trim();
  if (path.startsWith("$")) return { ...rest, fields: [], value: extractor.value ?? "", jsonPath: path };
  const fields = extractor.path
    .split("/")
    .map((field) => field.replace(/^ +| +$/g, ""))
    .filter((field) => field !== "");
  if (extractor.value !== undefined) return { ...rest, fields, value: extractor.value };
  return { ...rest, fields: fields.slice(0, -1), value: fields.at(-1) ?? "" };
}

function walk(node: Json | undefined, fields: readonly string[], at: Walk): void {
  if (node === undefined || node === null) return;
  const [field, ...rest] = fields;
  if (field === "*" && typeof node === "object") {
    for (const [step, item] of Object.entries(node)) {
      // Entries that are no objects hold no image; Kubernetes does not take them either. A list inside a list is read
      // like the list around it: no image is hidden by one more pair of brackets.
      if (typeof item !== "object" || item === null) {
        noteUnnamed(at.found, () => pointerOf([...at.path, step]));
        continue;
      }
      const nested = Array.isArray(node) && Array.isArray(item);
      walk(item, nested ? fields : rest, { ...at, path: [...at.path, step] });
    }
    return;
  }
  if (!isObject(node)) {
    const pointer = pointerOf(at.path);
    at.found.problems.push({ code: "badStructure", message: notThat(pointer, "an object", node), pointer });
    return;
  }
  const here = { ...at, pullSecrets: [...at.pullSecrets, ...pullSecretsOf(node)] };
  if (field === undefined) readImage(node, here);
  else walk(own(node, field), rest, { ...here, path: [...at.path, field] });
}

function readImage(holder: JsonObject, at: Walk): void {
  const { plan } = at;
  const pointer = pointerOf([...at.path, plan.value]);
  const key = plan.key === undefined ? pointer : own(holder, plan.key);
  if (typeof key !== "string") {
    const message = `invalid key: \`${pointerOf([...at.path, plan.key ?? ""])}\` should be the name of the image`;
    at.found.problems.push({ code: "badKey", message, pointer });
    return;
  }
  addImage(own(holder, plan.value), { ...at, pointer, key });
}

/** What Go's `strings.TrimSpace` leaves nothing of; JavaScript's `trim` also takes a byte order mark away. */
const goSpace = /^[\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]*$/;

/** Empty and missing values name no image. Anything but text may be read as one by whoever runs it. */
function addImage(value: unknown, at: Walk & { readonly pointer: string; readonly key: string }): void {
  const { plan, options, found, pointer, key } = at;
  if (value === undefined || value === null || (typeof value === "string" && goSpace.test(value))) {
    noteUnnamed(found, () => pointer);
    return;
  }
  if (typeof value !== "string") {
    found.problems.push({
      code: "badStructure",
      message: notThat(pointer, "text", value as Json),
      pointer,
      key,
    });
    return;
  }
  const transformed = plan.jmesPath === undefined ? value : transform(plan.jmesPath, value, at);
  if (transformed === undefined) return;
  try {
    const reference = parseImageReference(transformed, options);
    found.images.push({ group: plan.group, key, pointer, reference, pullSecrets: at.pullSecrets });
  } catch (error) {
    if (!(error instanceof ImageReferenceError)) throw error;
    const message = `invalid image of \`${key}\` at ${pointer}: ${error.message}`;
    found.problems.push({ code: "badImage", message, pointer, key });
  }
}

function transform(
  expression: string,
  input: string,
  at: Parameters<typeof addImage>[1],
): string | undefined {
  const { options, found, pointer, key } = at;
  const fail = (message: string): undefined => {
    found.problems.push({ code: "badTransform", message, pointer, key });
  };
  if (options.evaluate === undefined) return fail(`jmespath ${expression} cannot be evaluated here`);
  try {
    const result = options.evaluate(expression, input);
    if (typeof result === "string") return result;
    return fail(
      `jmespath ${expression} must produce a string, but produced ${JSON.stringify(result) ?? "nothing"}`,
    );
  } catch (error) {
    return fail(
      `failed to apply jmespath ${expression}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** ours: `$…`. With `value` the path finds the objects that hold the images, without it the images themselves. */
function selectPath(resource: JsonObject, jsonPath: string, at: Walk): void {
  const { plan, found } = at;
  try {
    for (const { pointer, value } of selectJsonPath(jsonPath, resource)) {
      if (value === null) continue;
      if (plan.value !== "" && isObject(value)) readImage(value, { ...at, path: pathOf(pointer) });
      else if (plan.value === "" && typeof value === "string")
        addImage(value, { ...at, pointer, key: pointer });
      else found.problems.push(wrongPlace(pointer, value as Json, plan));
    }
  } catch (error) {
    const message = `failed to apply JSONPath ${jsonPath}: ${error instanceof Error ? error.message : String(error)}`;
    found.problems.push({ code: "badTransform", message, pointer: "" });
  }
}

/** A path that ends a step too early or too late must not look like a resource without images. */
function wrongPlace(pointer: string, value: Json, { value: field }: Plan): ExtractionProblem {
  const wanted = field === "" ? "text" : `an object with \`${field}\``;
  return { code: "badStructure", message: notThat(pointer, wanted, value), pointer };
}

function notThat(pointer: string, wanted: string, value: Json): string {
  const is = Array.isArray(value) ? "a list" : isObject(value) ? "an object" : `a ${typeof value}`;
  return `invalid image config: \`${pointer}\` should be ${wanted}, but is ${is}`;
}

function pathOf(pointer: string): readonly string[] {
  const steps = pointer.split("/").slice(1);
  return steps.map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function pullSecretsOf(node: JsonObject): readonly string[] {
  const secrets = own(node, "imagePullSecrets");
  if (!Array.isArray(secrets)) return [];
  return secrets.flatMap((secret) => ownText(secret, "name") || []);
}

function pointerOf(path: readonly string[]): string {
  return path.map((step) => `/${step.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}
