import { createScope, evaluate } from "@assay/conditions";
import { type ImageReference, matchesDigestForm } from "@assay/image";
import {
  type ExtractedImage,
  type ExtractionProblem,
  extractImages,
  type ImageExtraction,
  type JsonObject,
  type MatchRequest,
  matchRule,
  type RuleMatch,
  selectImage,
} from "@assay/policy";
import type { CompiledEntry, CompiledRule } from "./compile.ts";
import { fixedPlaces } from "./fixed-places.ts";
import type { ObjectFacts } from "./object-facts.ts";
import { windingDown } from "./winding-down.ts";

/** One image text of the object, wherever it stands. */
export interface PlannedImage {
  /** As written in the object. */
  readonly text: string;
  readonly reference: ImageReference;
  /** JSON pointers of every field that holds this text, and can be changed; of all, where none can. */
  readonly pointers: readonly string[];
  /** Set where all of them were there before and cannot be changed: no digest can be put in, so none is asked for. */
  readonly isFixed?: true;
  /** Names of the `imagePullSecrets` beside it. */
  readonly pullSecrets: readonly string[];
  /** Entries whose `imageReferences` select it, in order. */
  readonly entries: readonly PlannedEntry[];
}

/** One entry that selects an image. */
export interface PlannedEntry {
  readonly compiled: CompiledEntry;
  /** Whether its `skipImageReferences` leave the image out. */
  readonly skipped: boolean;
  /** Whether it selects the image as Kyverno reads it too, and not by its tag or its registry's other spellings alone. */
  readonly asWritten: boolean;
}

/** A rule that applies to the object, and the images that it checks. */
export interface PlannedRule {
  readonly compiled: CompiledRule;
  readonly images: readonly PlannedImage[];
  /** Fields whose image cannot be told. */
  readonly problems: readonly ExtractionProblem[];
  /** The `images` variable: what the rule's extractors find, and what is found without them. */
  readonly extracted: readonly ExtractedImage[];
  /** JSON pointers of fields that should hold an image and hold none. */
  readonly unnamed: readonly string[];
  /** Set where images are left out that the old object held, since nothing more runs after this update. */
  readonly isHeld?: true;
}

/** A rule that does not apply, and why. */
export interface UnmatchedRule extends Unmatched {
  readonly compiled: CompiledRule;
}

/** Why a rule does not apply, and whether it is about this kind of object at all. */
type Unmatched = Pick<Extract<RuleMatch, { readonly matched: false }>, "reason" | "isOfKind">;

/** Which rules apply to one request: pure, and made once per request, whatever the number of passes. */
export interface RequestPlan {
  readonly rules: readonly PlannedRule[];
  readonly unmatched: readonly UnmatchedRule[];
  /** What the object seems to lack, so that less is verified than it looks. */
  readonly warnings: readonly string[];
}

/** What planning depends on beside the request. */
export interface PlanSettings {
  readonly defaultRegistry: string;
  readonly now: Date;
}

/** The rules that may apply to a request; without images, whatever their image references are. */
export type RulesFor = (
  request: MatchRequest,
  images: readonly ImageReference[] | undefined,
) => readonly CompiledRule[];

/** The rules of the index's candidates that match, with the images they select. */
export function planRequest(rulesFor: RulesFor, facts: ObjectFacts, settings: PlanSettings): RequestPlan {
  const builtIn = extractImages(facts.object, {}, settings);
  const isUnplaced = facts.namespace === "" && builtIn.images.length > 0;
  // An image that cannot be read, or is not named, may be any: then no rule is left out for its patterns. Nor is one
  // that would say something of an object that named its namespace.
  const isWhole = builtIn.problems.length + builtIn.unnamed.length === 0 && !isUnplaced;
  const references = isWhole ? builtIn.images.map(({ reference }) => reference) : undefined;
  const candidates = rulesFor({ ...facts.request, resource: facts.object }, references);
  const rules: PlannedRule[] = [];
  const unmatched: UnmatchedRule[] = [];
  const before = beforeUpdate(facts);
  for (const compiled of candidates) {
    const not = whyNot(compiled, facts);
    if (not !== undefined) unmatched.push({ compiled, ...not });
    else {
      const planned = planRule(
        compiled,
        extractFor(compiled, facts.object, { ...settings, builtIn }),
        builtIn,
      );
      rules.push(before?.compare(planned, extractFor(compiled, before.object, settings)) ?? planned);
    }
  }
  const missing = "`metadata.namespace` is missing: rules for namespaces do not apply";
  const unplaced = isUnplaced && unmatched.some(isAboutNamespaces) ? [missing] : [];
  return { rules, unmatched, warnings: [...unplaced, ...unnamedWarnings(rules)] };
}

function isAboutNamespaces({ compiled: { policy, rule }, isOfKind }: UnmatchedRule): boolean {
  const { filters } = rule.match;
  return isOfKind && (policy.kind === "Policy" || filters.some(({ namespaces }) => namespaces !== undefined));
}

/** A rule applies, and there is nothing to verify: an object of another spelling would look the same. */
function unnamedWarnings(rules: readonly PlannedRule[]): readonly string[] {
  const pointers = [...new Set(rules.flatMap(({ unnamed }) => unnamed))];
  return pointers.map((pointer) => `\`${pointer}\` names no image: nothing is verified there`);
}

/** Kyverno's webhooks verify on CREATE and UPDATE; another operation must be asked for in `match`. */
function whyNot(compiled: CompiledRule, facts: ObjectFacts): Unmatched | undefined {
  const { operation } = facts;
  if (operation === "DELETE" || operation === "CONNECT") {
    const wanted = compiled.rule.match.filters.some((filter) => filter.operations?.includes(operation));
    const reason = `images are not verified on ${operation} unless \`match\` names the operation`;
    if (!wanted) return { reason, isOfKind: false };
  }
  const match = matchRule(compiled.rule, { ...facts.request, resource: facts.object }, compiled.policy);
  return match.matched ? undefined : { reason: match.reason, isOfKind: match.isOfKind };
}

/** A rule's own extractors for the kind replace the built-in ones; `builtIn` is what those find, where it is known. */
function extractFor(
  { rule }: CompiledRule,
  object: JsonObject,
  { builtIn, now, ...options }: PlanSettings & { readonly builtIn?: ImageExtraction },
): ImageExtraction {
  const kind = object["kind"];
  if (typeof kind !== "string" || !Object.hasOwn(rule.imageExtractors, kind))
    return builtIn ?? extractImages(object, {}, options);
  return extractImages(object, rule.imageExtractors, {
    ...options,
    evaluate: (expression, input) => evaluate(expression, createScope({ data: input, now })),
  });
}

interface Before {
  readonly object: JsonObject;
  /** What the rule is about, knowing what it finds in the old object. */
  readonly compare: (planned: PlannedRule, held: ImageExtraction) => PlannedRule;
}

/** The old object of an update, where it makes a difference. */
function beforeUpdate(facts: ObjectFacts): Before | undefined {
  const old = windingDown(facts);
  if (old !== undefined) return { object: old, compare: withoutHeld };
  const fixed = fixedPlaces(facts);
  const { oldResource: object } = facts.request;
  if (fixed === undefined || object === undefined) return undefined;
  return { object, compare: (planned, held) => withFixed(planned, held, fixed) };
}

/** Knowing which images below `fixed` were there before: by container, since a patch may put new ones in front of old ones. */
function withFixed(planned: PlannedRule, held: ImageExtraction, fixed: string): PlannedRule {
  const there = new Set(held.images.map(containerText));
  const places = new Set(
    planned.extracted
      .filter((image) => image.pointer.startsWith(fixed) && there.has(containerText(image)))
      .map(({ pointer }) => pointer),
  );
  const images = planned.images.map((image): PlannedImage => {
    const changeable = image.pointers.filter((pointer) => !places.has(pointer));
    return changeable.length > 0 ? { ...image, pointers: changeable } : { ...image, isFixed: true };
  });
  return { ...planned, images };
}

function containerText({ group, key, reference }: ExtractedImage): string {
  return JSON.stringify([group, key, reference.text]);
}

/** Without what the old object held as well. */
function withoutHeld(planned: PlannedRule, held: ImageExtraction): PlannedRule {
  const texts = new Set(held.images.map(({ reference }) => reference.text));
  const faults = new Set(held.problems.map(faultText));
  const images = planned.images.filter(({ text }) => !texts.has(text));
  const problems = planned.problems.filter((problem) => !faults.has(faultText(problem)));
  const isWhole = images.length === planned.images.length && problems.length === planned.problems.length;
  return isWhole ? planned : { ...planned, images, problems, isHeld: true };
}

function faultText({ pointer, message }: ExtractionProblem): string {
  return `${pointer} ${message}`;
}

function planRule(
  compiled: CompiledRule,
  extraction: ImageExtraction,
  builtIn: ImageExtraction,
): PlannedRule {
  const { problems, unnamed } = extraction;
  const extracted = extraction === builtIn ? builtIn.images : [...builtIn.images, ...extraction.images];
  const byText = new Map<string, { reference: ImageReference; fields: ExtractedImage[] }>();
  for (const image of extraction.images) {
    const { text } = image.reference;
    const known = byText.get(text);
    if (known === undefined) byText.set(text, { reference: image.reference, fields: [image] });
    else known.fields.push(image);
  }
  const images = [...byText].flatMap(([text, { reference, fields }]) => {
    const entries = compiled.entries.flatMap((entry) => planEntry(entry, reference));
    const pointers = fields.map(({ pointer }) => pointer);
    const pullSecrets = [...new Set(fields.flatMap((field) => field.pullSecrets))];
    return entries.length === 0 ? [] : [{ text, reference, pointers, pullSecrets, entries }];
  });
  return { compiled, images, problems, extracted, unnamed };
}

function planEntry(compiled: CompiledEntry, reference: ImageReference): readonly PlannedEntry[] {
  const selection = selectImage(compiled.entry, reference);
  if (selection === "other") return [];
  // Kyverno's entries that verify nothing know no skipping: what they ask is asked of every image they select.
  const asWritten = compiled.entry.imageReferences.some((pattern) => matchesDigestForm(pattern, reference));
  return [{ compiled, skipped: selection === "skip" && verifies(compiled), asWritten }];
}

/** Whether an entry asks for signatures or attestations. */
export function verifies({ attestors, attestations }: CompiledEntry): boolean {
  return attestors !== undefined || attestations.length > 0;
}
