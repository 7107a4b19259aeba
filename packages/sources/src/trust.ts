export { type TrustRootInput, trustRoots } from "./trust/trust-roots.ts";
export type { PemTrust } from "./trust/trusted-root-text.ts";
export { type TufOptions, tufTrust } from "./trust/tuf-trust.ts";
