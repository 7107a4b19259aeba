export type { KmsOptions } from "./kms/key-reader.ts";
export { kmsKeys } from "./kms/kms-keys.ts";
