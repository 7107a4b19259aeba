import type { Reporter, TestModule } from "vitest/node";

/** Prints one machine-readable last line: `N passed, N failed`. */
export default class TallyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    let passed = 0;
    let failed = errors.length;
    let skipped = 0;
    for (const module of modules) {
      let own = 0;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === "passed") passed++;
        else if (state === "failed") own++;
        else skipped++;
      }
      // A file that fails to load, or a failing hook, has no failed test of its own.
      if (own === 0 && module.state() === "failed") own = 1;
      failed += own;
    }
    if (skipped > 0) process.stdout.write(`${skipped} skipped\n`);
    process.stdout.write(`${passed} passed, ${failed} failed\n`);
  }
}
