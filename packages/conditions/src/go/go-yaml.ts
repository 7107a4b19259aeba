/** What go-yaml v2, by which Kubernetes and Kyverno read, makes of YAML, for other readers of it. */
export {
  type Ambiguity,
  ambiguousBreak,
  ambiguousScalar,
  isAnchorName,
} from "./yaml-ambiguity.ts";
export { resolvePlain } from "./yaml-scalar.ts";
