export { policyJsonSchema } from "./json-schema.ts";
