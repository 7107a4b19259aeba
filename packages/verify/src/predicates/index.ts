export { PredicateError } from "./read.ts";
export type { CycloneDxComponent, CycloneDxDocument, SpdxDocument, SpdxPackage } from "./sbom.ts";
export { readCycloneDx, readSpdx, sbomTypes } from "./sbom.ts";
export type { SlsaProvenanceV1, SlsaProvenanceV02, SlsaResource } from "./slsa.ts";
export { readSlsaV1, readSlsaV02, slsaTypes } from "./slsa.ts";
export type { InTotoLink, LinkArtifact, VerificationSummary } from "./supply-chain.ts";
export { readLink, readVerificationSummary, supplyChainTypes } from "./supply-chain.ts";
export type { CosignVuln, OpenVexDocument, OpenVexStatement } from "./vulnerabilities.ts";
export { readCosignVuln, readOpenVex, vulnerabilityTypes } from "./vulnerabilities.ts";
