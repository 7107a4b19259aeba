export {
  type ExportedImage,
  type ExportOptions,
  type ExportReport,
  exportLayout,
} from "./layout/export-layout.ts";
export { type LayoutOptions, layoutSource } from "./layout/layout-source.ts";
export { layoutTrust } from "./layout/layout-trust.ts";
export type { Limits } from "./oci/limits.ts";
export type { Expiry } from "./trust/trust-expiries.ts";
