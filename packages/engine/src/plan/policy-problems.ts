import { EngineError, formatPosition } from "../engine-error.ts";

/** Collects what is wrong with policies, so that who mends one thing is not told of the next only then. */
export interface PolicyProblems {
  /** The step's value; undefined where it found a policy invalid, which is noted. Anything else is thrown on. */
  attempt<T>(step: () => T): T | undefined;
  /** INVARIANT: called before anything of `attempt` is used: throws one `EngineError` of all that was noted, if any was. */
  throwNoted(): void;
}

/** An empty collection. */
export function policyProblems(): PolicyProblems {
  // Attestations have the attestors of their image verification: what is wrong with those is found twice.
  const noted = new Map<string, EngineError>();
  return {
    attempt(step) {
      try {
        return step();
      } catch (error) {
        if (!(error instanceof EngineError) || error.code !== "invalidPolicy") throw error;
        for (const problem of error.problems) noted.set(problem.message, problem);
        return undefined;
      }
    },
    throwNoted() {
      const [first, ...more] = noted.values();
      if (first !== undefined) throw more.length === 0 ? first : joined(first, more);
    },
  };
}

function joined(first: EngineError, more: readonly EngineError[]): EngineError {
  const { source, path, cause } = first;
  // The position is written in front of the message anew.
  const message =
    source === undefined ? first.message : first.message.slice(formatPosition(source).length + 2);
  return new EngineError("invalidPolicy", `${message} (and ${more.length} more)`, {
    problems: [first, ...more],
    cause,
    ...(source === undefined ? {} : { source }),
    ...(path === undefined ? {} : { path }),
  });
}
