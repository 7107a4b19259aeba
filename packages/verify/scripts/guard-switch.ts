import { appendFileSync } from "node:fs";
import { afterAll, expect, inject } from "vitest";

declare module "vitest" {
  interface ProvidedContext {
    /** The guard that is switched off in this run. */
    readonly guard: string;
    /** A file that is told which guards refused in which test; empty: nobody wants to know. */
    readonly notes: string;
  }
}

const notes = inject("notes");
const refusals = new Map<string, Set<string>>();

Reflect.set(globalThis, "switchedOffGuard", inject("guard"));
Reflect.set(globalThis, "guardHolds", (guard: string, holds: unknown): unknown => {
  const name = notes === "" || !holds ? undefined : expect.getState().currentTestName;
  if (name !== undefined) refusals.set(name, (refusals.get(name) ?? new Set()).add(guard));
  return holds;
});

afterAll(() => {
  if (notes === "") return;
  const file = expect.getState().testPath;
  for (const [name, guards] of refusals)
    appendFileSync(notes, `${JSON.stringify({ file, name, guards: [...guards] })}\n`);
});
