import type { ContextSource } from "@assay/engine";
import { fieldOf, isFields, own, text } from "../oci/manifest.ts";
import type { CredentialAnswer, CredentialProvider, CredentialRequest } from "../registry/credential.ts";
import { closest, type FittingEntry } from "./auth-entries.ts";
import { entryInConfig } from "./docker-config.ts";

/** A Pod may name thousands, and each costs the API server a request. */
const maxRead = 32;

/**
 * The `imagePullSecrets` that a policy or a Pod names, read through a context source. Secrets of type
 * `kubernetes.io/dockerconfigjson` and `kubernetes.io/dockercfg` count, as if all their logins stood in one: the longest path
 * wins, whichever secret has it. Of more than 32 the others are not read.
 */
export function pullSecretCredentials(context: ContextSource): CredentialProvider {
  return {
    name: "pull secrets",
    async find(request, { signal }): Promise<CredentialAnswer> {
      const secrets = request.access?.pullSecrets ?? [];
      if (secrets.length === 0) return { reason: "none are named" };
      const read = await Promise.all(
        secrets.slice(0, maxRead).map((secret) => entryInSecret(secret, context, { request, signal })),
      );
      const found = closest(read.filter((one) => "credential" in one));
      if (found !== undefined) return { credential: found.credential, source: found.source };
      const reasons = read.flatMap((one) => ("reason" in one ? [one.reason] : []));
      if (secrets.length > maxRead) reasons.push(`${secrets.length - maxRead} more were not read`);
      return { reason: reasons.join(", ") };
    },
  };
}

async function entryInSecret(
  { namespace, name }: { readonly namespace: string; readonly name: string },
  context: ContextSource,
  { request, signal }: { readonly request: CredentialRequest; readonly signal: AbortSignal },
): Promise<(FittingEntry & { readonly source: string }) | { readonly reason: string }> {
  const answer = await context.fetch<"secret">({ kind: "secret", namespace, name }, { signal });
  if (!answer.ok) return { reason: `\`${namespace}/${name}\`: ${answer.failure.message}` };
  const data = fieldOf(answer.value.object, "data");
  const encoded = isFields(data)
    ? (text(own(data, ".dockerconfigjson")) ?? text(own(data, ".dockercfg")))
    : undefined;
  const entry = encoded === undefined ? undefined : entryInConfig(Buffer.from(encoded, "base64"), request);
  if (entry !== undefined) return { ...entry, source: `pull secret \`${namespace}/${name}\`` };
  return { reason: `\`${namespace}/${name}\` has no login for \`${request.registry}\`` };
}
