export { policyJsonSchema } from "./shape/json-schema.ts";
