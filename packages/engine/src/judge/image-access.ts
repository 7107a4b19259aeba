import type { ImageVerification } from "@assay/policy";
import type { AnswerBook } from "../gather/answer-book.ts";
import type { Answer, Lookup, RegistryAccess } from "../gather/lookup.ts";
import { nameOf } from "../gather/lookup-key.ts";
import { type PlannedImage, type PlannedRule, type RequestPlan, verifies } from "../plan/request-plan.ts";
import { accessFor } from "./pull-access.ts";

/** How one rule asks for one image. */
export interface ImageAccess {
  /** Undefined where nobody wishes anything. */
  readonly access?: RegistryAccess;
  /** It allows plain http, and others who ask for the image do not. */
  readonly secureFirst: boolean;
}

export type AccessOf = (rule: PlannedRule, image: PlannedImage) => ImageAccess;

/** Who asks for one image, by whichever of its texts. */
interface Askers {
  readonly pullSecrets: Set<string>;
  readonly entries: ImageVerification[];
  /** Of each rule that asks a registry: whether it allows plain http. */
  readonly allowing: Map<PlannedRule, boolean>;
}

/**
 * Credentials are those of every rule that selects the image, so that it is one question whatever the number of policies.
 * INVARIANT: plain http is each rule's own risk, and it takes it where all of its entries for the image do.
 */
export function accessByImage(
  plan: RequestPlan,
  where: { readonly namespace: string; readonly secretNamespace: string },
): AccessOf {
  const byName = askersByName(plan);
  const known = new Map<Askers, RegistryAccess | undefined>();
  const credentialsOf = (askers: Askers): RegistryAccess | undefined => {
    if (known.has(askers)) return known.get(askers);
    const pullSecrets = [...askers.pullSecrets].map((name) => ({ namespace: where.namespace, name }));
    const credentials = accessFor(pullSecrets, askers.entries, where.secretNamespace);
    known.set(askers, credentials);
    return credentials;
  };
  return (rule, { reference }) => {
    const askers = byName.get(nameOf(reference));
    const access = askers === undefined ? undefined : credentialsOf(askers);
    if (askers === undefined || access === undefined) return { secureFirst: false };
    const allowInsecureRegistry = askers.allowing.get(rule) === true;
    const secureFirst = allowInsecureRegistry && [...askers.allowing.values()].includes(false);
    return { access: { ...access, allowInsecureRegistry }, secureFirst };
  };
}

function askersByName(plan: RequestPlan): ReadonlyMap<string, Askers> {
  const byName = new Map<string, Askers>();
  for (const rule of plan.rules) {
    for (const image of rule.images) {
      const name = nameOf(image.reference);
      const askers: Askers = byName.get(name) ?? { pullSecrets: new Set(), entries: [], allowing: new Map() };
      byName.set(name, askers);
      for (const secret of image.pullSecrets) askers.pullSecrets.add(secret);
      for (const { compiled, skipped } of image.entries) {
        if (skipped) continue;
        askers.entries.push(compiled.entry);
        if (!verifies(compiled) && !compiled.entry.mutateDigest) continue;
        const allows = compiled.entry.registryCredentials?.allowInsecureRegistry === true;
        askers.allowing.set(rule, allows && askers.allowing.get(rule) !== false);
      }
    }
  }
  return byName;
}

/**
 * A book for a rule that allows plain http where others do not: it asks what they ask, and with its own leave only once
 * there was no https to be had. So all of them judge one digest by the same evidence wherever there is any, and what came
 * by plain http is an answer to no one else.
 */
export function securelyFirst(book: AnswerBook): AnswerBook {
  const chosen = <L extends Lookup>(lookup: L): L => {
    const secure = withoutPlainHttp(lookup);
    return isUnreachable(book.peek(secure)) ? lookup : secure;
  };
  return {
    ...book,
    ask: (lookup) => book.ask(chosen(lookup)),
    askOr: (lookup, ifUnsupported) => book.askOr(chosen(lookup), chosen(ifUnsupported)),
    peek: (lookup) => book.peek(chosen(lookup)),
  };
}

function withoutPlainHttp<L extends Lookup>(lookup: L): L {
  if (!("access" in lookup) || lookup.access?.allowInsecureRegistry !== true) return lookup;
  return { ...lookup, access: { ...lookup.access, allowInsecureRegistry: false } };
}

function isUnreachable(answer: Answer | undefined): boolean {
  if (answer === undefined || answer.ok) return false;
  return answer.failure.code === "unavailable" && answer.failure.status === undefined;
}
