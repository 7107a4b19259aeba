import type { RegistryCredentials } from "@assay/policy";
import type { RegistryAccess } from "../gather/lookup.ts";

/**
 * How the registry of one image is asked: the object's own `imagePullSecrets` and the credentials of every entry that
 * selects the image, so that one image is asked once whatever the number of policies. Secrets stand in the order in which they
 * are named, the object's own first: of two that fit as well the first counts. Undefined where nobody wishes anything.
 */
export function accessFor(
  pullSecrets: RegistryAccess["pullSecrets"],
  entries: readonly { readonly registryCredentials?: RegistryCredentials }[],
  secretNamespace: string,
): RegistryAccess | undefined {
  const wishes = entries.flatMap((entry) => entry.registryCredentials ?? []);
  if (wishes.length === 0 && pullSecrets.length === 0) return undefined;
  const secrets = wishes.flatMap((wish) => wish.secrets.map((text) => secretOf(text, secretNamespace)));
  const unique = new Map(
    [...pullSecrets, ...secrets].map((secret) => [`${secret.namespace}/${secret.name}`, secret]),
  );
  return {
    allowInsecureRegistry: wishes.some((wish) => wish.allowInsecureRegistry),
    providers: [...new Set(wishes.flatMap((wish) => wish.providers))].sort(),
    pullSecrets: [...unique.values()],
  };
}

/** A policy's secret is `name` in Kyverno's own namespace, or `namespace/name`. */
function secretOf(text: string, namespace: string): RegistryAccess["pullSecrets"][number] {
  const slash = text.indexOf("/");
  return slash < 0
    ? { namespace, name: text }
    : { namespace: text.slice(0, slash), name: text.slice(slash + 1) };
}
