export { contextFromFiles } from "./cluster/context-from-files.ts";
export { type ContextValues, contextFromObjects } from "./cluster/context-from-objects.ts";
