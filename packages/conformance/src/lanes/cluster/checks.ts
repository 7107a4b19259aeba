/** Named checks that go on after a failure: a lane reports everything that is wrong at once. */
export interface Checks {
  check(name: string, run: () => void | Promise<void>): Promise<void>;
  /** Prints `N passed, N failed`; true if all passed. */
  finish(): boolean;
}

export function createChecks(): Checks {
  let passed = 0;
  let failed = 0;
  return {
    check: async (name, run) => {
      try {
        await run();
        passed++;
        print(`ok    ${name}`);
      } catch (error) {
        failed++;
        print(`FAIL  ${name}\n      ${String(error).replaceAll("\n", "\n      ")}`);
      }
    },
    finish: () => {
      print(`${passed} passed, ${failed} failed`);
      return failed === 0;
    },
  };
}

/** Throws with the whole text unless it holds the part. */
export function mustContain(text: string, part: string | RegExp): void {
  const found = typeof part === "string" ? text.includes(part) : part.test(text);
  if (!found) throw new Error(`expected ${String(part)} in:\n${text}`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
