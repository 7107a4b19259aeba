import type { ContextSource } from "@assay/engine";
import { fieldOf, isFields, own, text } from "../oci/manifest.ts";
import type { Credential, CredentialAnswer, CredentialProvider, CredentialRequest } from "./credential.ts";
import { credentialInConfig } from "./docker-config.ts";

/** A Pod may name thousands, and each costs the API server a request. */
const maxRead = 32;

/**
 * The `imagePullSecrets` that a policy or a Pod names, read through a context source. Secrets of type
 * `kubernetes.io/dockerconfigjson` and `kubernetes.io/dockercfg` count. Of more than 32 the others are not read.
 */
export function pullSecretCredentials(context: ContextSource): CredentialProvider {
  return {
    name: "pull secrets",
    async find(request, { signal }): Promise<CredentialAnswer> {
      const secrets = request.access?.pullSecrets ?? [];
      if (secrets.length === 0) return { reason: "none are named" };
      const reasons: string[] = [];
      for (const { namespace, name } of secrets.slice(0, maxRead)) {
        const answer = await context.fetch<"secret">({ kind: "secret", namespace, name }, { signal });
        if (!answer.ok) {
          reasons.push(`\`${namespace}/${name}\`: ${answer.failure.message}`);
          continue;
        }
        const credential = credentialInSecret(answer.value.object, request);
        if (credential !== undefined) return { credential, source: `pull secret \`${namespace}/${name}\`` };
        reasons.push(`\`${namespace}/${name}\` has no login for \`${request.registry}\``);
      }
      if (secrets.length > maxRead) reasons.push(`${secrets.length - maxRead} more were not read`);
      return { reason: reasons.join(", ") };
    },
  };
}

function credentialInSecret(secret: unknown, request: CredentialRequest): Credential | undefined {
  const data = fieldOf(secret, "data");
  if (!isFields(data)) return undefined;
  const encoded = text(own(data, ".dockerconfigjson")) ?? text(own(data, ".dockercfg"));
  return encoded === undefined ? undefined : credentialInConfig(Buffer.from(encoded, "base64"), request);
}
