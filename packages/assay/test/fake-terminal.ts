import { type Terminal, warnOn } from "../src/terminal/terminal.ts";

/** A terminal that remembers what was printed. */
export interface FakeTerminal extends Terminal {
  readonly printed: { out: string; err: string };
}

/** No environment, a clock that stands still, `stdin` as given. */
export function fakeTerminal(options: { readonly cwd: string; readonly stdin?: string }): FakeTerminal {
  const printed = { out: "", err: "" };
  const err = (text: string): void => {
    printed.err += text;
  };
  return {
    printed,
    out: (text) => {
      printed.out += text;
    },
    err,
    warn: warnOn(err),
    stdin: () => Promise.resolve(options.stdin ?? ""),
    color: false,
    progress: false,
    width: 100,
    env: {},
    cwd: options.cwd,
    now: () => new Date("2026-11-23T12:00:00Z"),
    signal: new AbortController().signal,
  };
}
