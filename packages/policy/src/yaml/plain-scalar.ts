import { goYaml } from "@assay/conditions";

/**
 * What an unquoted YAML scalar means to Kubernetes (sigs.k8s.io/yaml over go-yaml v2): YAML 1.1's words (`yes`, `n`) and
 * octal numbers, underscores in numbers, dates as text. `.inf` and `.nan` are no JSON: they stay text and then have the
 * wrong type.
 */
export function plainScalar(text: string): null | boolean | number | string {
  const value = goYaml.resolvePlain(text);
  if (typeof value === "bigint") return Number(value);
  return typeof value === "number" && !Number.isFinite(value) ? text : value;
}
