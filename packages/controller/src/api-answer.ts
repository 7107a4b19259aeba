/** Milliseconds for one request: the client library itself would wait without end. */
const answerMs = 30_000;

/** An answer of the API server, or an error when it does not come within `ms`. */
export async function inTime<T>(answer: Promise<T>, ms: number = answerMs): Promise<T> {
  const timers: NodeJS.Timeout[] = [];
  const late = new Promise<never>((_resolve, reject) => {
    const give = (): void => reject(new Error(`no answer within ${ms / 1000} s`));
    timers.push(setTimeout(give, ms).unref());
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    for (const timer of timers) clearTimeout(timer);
  }
}

/** The HTTP status by which the API server refused, where it is one. */
export function statusOf(error: unknown): number | undefined {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return typeof code === "number" ? code : undefined;
}

/** A refusal with its status, and the beginning of what was said about it. */
export function refusalOf(code: number, path: string, text: string): Error {
  const message = /"message":\s*"((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? text.trim();
  const said = message === "" ? "" : `: ${message.slice(0, 300)}`;
  return Object.assign(new Error(`the API server answered ${code} to \`${path}\`${said}`), { code });
}
