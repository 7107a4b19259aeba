export { contextFromFiles } from "./cluster/context-from-files.ts";
export { type ContextValues, contextFromObjects } from "./cluster/context-from-objects.ts";
export {
  type ClusterConfig,
  type KubernetesOptions,
  kubernetesContext,
} from "./cluster/kubernetes-context.ts";
