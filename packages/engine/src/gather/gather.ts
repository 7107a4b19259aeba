import type {
  Answer,
  ContextLookup,
  EvidenceLookup,
  FetchOptions,
  Lookup,
  LookupFailure,
  Sources,
} from "./lookup.ts";
import { lookupKey } from "./lookup-key.ts";
import { whenAborted } from "./when-aborted.ts";
import { withoutUserInfo } from "./without-user-info.ts";

/** One answered question. */
export interface Answered {
  readonly lookup: Lookup;
  readonly answer: Answer;
}

/** What is known so far, by `lookupKey`. */
export type Answers = ReadonlyMap<string, Answered>;

/** How one round of questions is asked. */
export interface GatherOptions {
  readonly signal: AbortSignal;
  /** Lookups under way at the same time. */
  readonly concurrency: number;
  /** Milliseconds since the epoch: sources do not wait longer to try again. */
  readonly deadline?: number;
  /** Aborted when the evaluation has ended. Absent: it shares no more than questions that are being asked. */
  readonly evaluation?: AbortSignal;
  /** By the key of a question: what to ask too, at once, if it is answered with `unsupported`. */
  readonly ifUnsupported: ReadonlyMap<string, Lookup>;
  /** What a lookup that did not end before `signal` was aborted is answered with. */
  readonly timeoutMessage: string;
}

/**
 * Asks the sources every question, in parallel. Never rejects: what a source throws is an answer too, and a source that
 * does not heed the signal is left behind when the signal is aborted.
 */
export async function gather(
  wanted: ReadonlyMap<string, Lookup>,
  sources: Sources,
  options: GatherOptions,
): Promise<Answers> {
  const answers = new Map<string, Answered>();
  const queue = [...wanted];
  let next = 0;
  const aborted = whenAborted(options.signal);
  const worker = async (): Promise<void> => {
    // The queue grows while it is worked off: `next` must never run ahead of it.
    for (let item = queue[next]; item !== undefined; item = queue[next]) {
      next++;
      const [key, lookup] = item;
      const answer = await Promise.race([askSafely(lookup, sources, options), aborted.promise]);
      answers.set(key, { lookup, answer: answer ?? timedOut(lookup, options.timeoutMessage) });
      const other = options.ifUnsupported.get(key);
      if (other !== undefined && isUnsupported(answer)) queue.push([lookupKey(other), other]);
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(options.concurrency, queue.length) }, worker));
  } finally {
    aborted.dispose();
  }
  return answers;
}

function isUnsupported(answer: Answer | undefined): boolean {
  return answer?.ok === true && "unsupported" in answer.value && answer.value.unsupported === true;
}

async function askSafely(lookup: Lookup, sources: Sources, options: GatherOptions): Promise<Answer> {
  if (options.signal.aborted) return timedOut(lookup, options.timeoutMessage);
  try {
    const answer = await ask(lookup, sources, fetchOptions(options));
    // A source that heeds the signal says `timeout` in its own words: the deadline's are the ones that people know.
    return options.signal.aborted && !answer.ok && answer.failure.code === "timeout"
      ? timedOut(lookup, options.timeoutMessage)
      : answer;
  } catch (error) {
    if (options.signal.aborted) return timedOut(lookup, options.timeoutMessage);
    // A source that throws breaks its contract. `unsupported` never opens `failurePolicy: Ignore`.
    return failed({
      code: "unsupported",
      message: `the source of \`${lookup.kind}\` failed unexpectedly: ${error instanceof Error ? error.message : String(error)}`,
      origin: originOf(lookup),
    });
  }
}

function fetchOptions({ signal, deadline, evaluation }: GatherOptions): FetchOptions {
  return {
    signal,
    ...(deadline === undefined ? {} : { deadline }),
    ...(evaluation === undefined ? {} : { evaluation }),
  };
}

function ask(lookup: Lookup, sources: Sources, options: FetchOptions): Promise<Answer> {
  switch (lookup.kind) {
    case "digest":
    case "signatureTag":
    case "attestationTag":
    case "referrers":
    case "referrersTag":
    case "manifest":
    case "imageData":
      return sources.evidence.fetch<EvidenceLookup["kind"]>(lookup, options);
    case "configMap":
    case "secret":
    case "apiCall":
    case "globalContext":
      return (
        sources.context?.fetch<ContextLookup["kind"]>(lookup, options) ??
        absent(lookup, "no context source is configured")
      );
    case "kmsKey":
      return sources.keys?.fetch(lookup, options) ?? absent(lookup, "no key source is configured");
    case "trustRoot":
      return sources.trust?.fetch(lookup, options) ?? absent(lookup, "no trust source is configured");
    case "logEntries":
      return sources.log?.fetch(lookup, options) ?? absent(lookup, "no log source is configured");
  }
}

function absent(lookup: Lookup, why: string): Promise<Answer> {
  return Promise.resolve(failed({ code: "unsupported", message: why, origin: originOf(lookup) }));
}

function timedOut(lookup: Lookup, message: string): Answer {
  return failed({ code: "timeout", message, origin: originOf(lookup) });
}

function failed(failure: LookupFailure): Answer {
  return { ok: false, failure, requests: 0 };
}

/** Whom a lookup asks: a registry host, a service, a KMS scheme, the cluster. Exported for `plan`. */
export function originOf(lookup: Lookup): string {
  switch (lookup.kind) {
    case "digest":
    case "imageData":
      return lookup.image.registry;
    case "signatureTag":
    case "attestationTag":
    case "referrers":
    case "referrersTag":
    case "manifest":
      return lookup.repository.slice(0, lookup.repository.indexOf("/"));
    case "configMap":
    case "secret":
    case "globalContext":
      return "cluster";
    case "apiCall":
      return URL.canParse(lookup.url) ? new URL(lookup.url).host : "cluster";
    case "kmsKey":
      return lookup.reference.slice(0, lookup.reference.indexOf(":"));
    case "trustRoot":
      return `trust root ${lookup.name}`;
    case "logEntries":
      return hostOf(lookup.url);
  }
}

/** The host of a URL that a policy or a trust root names; what is none is shown as it is. */
export function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : withoutUserInfo(url);
}
