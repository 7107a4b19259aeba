import { inject } from "vitest";

declare module "vitest" {
  interface ProvidedContext {
    /** The guard that is switched off in this run. */
    readonly guard: string;
  }
}

Reflect.set(globalThis, "switchedOffGuard", inject("guard"));
