export { type LayoutOptions, layoutSource } from "./layout/layout-source.ts";
export type { RegistryOptions } from "./registry/registry-options.ts";
export { registrySource } from "./registry/registry-source.ts";
export { SourceError, type SourceErrorCode } from "./source-error.ts";
