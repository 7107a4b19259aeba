export { type LayoutOptions, layoutSource } from "./layout/layout-source.ts";
export type { Limits } from "./oci/limits.ts";
