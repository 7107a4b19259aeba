import type { Trace } from "@assay/policy";
import type { LogAnswer, LogFailureCode, LogLookup, LogQuestion } from "@assay/verify";
import type { Answer, LogEntriesLookup, LookupFailure } from "../gather/lookup.ts";
import { lookupKey } from "../gather/lookup-key.ts";
import { lookupTrace } from "../gather/lookup-trace.ts";
import type { Pass } from "./pass.ts";

/** What one judgement of the kernel asks of transparency logs. */
export interface LogConsultation {
  /** Undefined: logs are not to be asked. */
  readonly lookup: LogLookup | undefined;
  /** Notes the wishes of the kernel. */
  ask(questions: readonly LogQuestion[]): void;
  /** Answers that could not be had, of those that the kernel looked at. */
  failures(): readonly LookupFailure[];
  /** A step for each question that was answered. */
  traces(): readonly Trace[];
}

/**
 * More than any image's honest signatures: who can push to a repository could hang a signature there in hundreds of
 * spellings, each of which would be a question to somebody else's log.
 */
const maxQuestions = 32;

/** Lets the kernel look at the answers of logs, where the caller wants logs to be asked. */
export function logConsultation({ settings, book }: Pass): LogConsultation {
  const consulted = new Map<
    string,
    { readonly lookup: LogEntriesLookup; readonly answer?: Answer<"logEntries"> }
  >();
  const lookup: LogLookup = (question) => {
    const asked = lookupOf(question);
    const key = lookupKey(asked);
    if (!consulted.has(key) && consulted.size >= maxQuestions) return tooMany;
    const answer = book.peek(asked);
    consulted.set(key, { lookup: asked, ...(answer === undefined ? {} : { answer }) });
    return answer === undefined ? { kind: "pending" } : answerOf(answer);
  };
  return {
    lookup: settings.logLookup === "never" ? undefined : lookup,
    ask: (questions) => {
      for (const question of questions) book.ask(lookupOf(question));
    },
    failures: () =>
      [...consulted.values()].flatMap(({ answer }) => (answer?.ok === false ? [answer.failure] : [])),
    traces: () =>
      [...consulted.values()].flatMap((one) =>
        one.answer === undefined ? [] : [lookupTrace(one.lookup, one.answer)],
      ),
  };
}

const tooMany: LogAnswer = {
  kind: "failed",
  code: "tooMany",
  message: `signatures without a log entry ask more than ${maxQuestions} questions of logs`,
};

function lookupOf({ url, entries }: LogQuestion): LogEntriesLookup {
  return { kind: "logEntries", url, entries };
}

function answerOf(answer: Answer<"logEntries">): LogAnswer {
  if (answer.ok) return { kind: "answered", json: answer.value.json };
  return { kind: "failed", code: codeOf(answer.failure), message: answer.failure.message };
}

/** Only what a limit cut off is a reason to fail. Whatever else went wrong, nobody knows what the log holds. */
function codeOf({ code }: LookupFailure): LogFailureCode {
  switch (code) {
    case "unauthorized":
    case "rateLimited":
    case "timeout":
    case "tooLarge":
    case "tooMany":
      return code;
    case "unavailable":
    case "notFound":
    case "digestMismatch":
    case "malformed":
    case "unsupported":
      return "unavailable";
  }
}
