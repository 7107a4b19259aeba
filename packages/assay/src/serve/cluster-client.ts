// What `assay serve --cluster` uses of its optional peers, by name: imported as a whole they would all stay in a bundle, and
// of the client alone that is some 8 MB of code for API groups that nothing here speaks to.
export { startController, watchedContext } from "@assay/controller";
export { KubeConfig } from "@kubernetes/client-node";
