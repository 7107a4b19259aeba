export type { RegistryAuth } from "./registry/auth.ts";
export type { Fault, FaultEffect } from "./registry/faults.ts";
export { type Handler, hostFetch } from "./registry/host-fetch.ts";
export { loadLayout } from "./registry/load-layout.ts";
export {
  createRegistry,
  type PushOptions,
  type Registry,
  type RegistryOptions,
  type RequestRecord,
} from "./registry/registry.ts";
export type { RunningServer } from "./registry/server.ts";
export type { Descriptor } from "./registry/store.ts";
export { TestkitError, type TestkitErrorCode } from "./testkit-error.ts";
