export { type TrustRootInput, trustRoots } from "./trust/trust-roots.ts";
export type { PemTrust } from "./trust/trusted-root-text.ts";
