export { type KmsOptions, kmsKeys } from "./kms/kms-keys.ts";
