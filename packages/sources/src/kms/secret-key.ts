import { fieldOf, text } from "../oci/manifest.ts";
import { SourceError } from "../source-error.ts";
import { badReference } from "./bad-reference.ts";
import type { KeyReader } from "./key-reader.ts";

/** `k8s://namespace/secret`: `cosign.pub` of the Secret that `cosign generate-key-pair k8s://…` makes. */
export const secretKey: KeyReader = async (reference, { context }, signal) => {
  const match = /^k8s:\/\/([a-z0-9.-]{1,253})\/([a-z0-9.-]{1,253})$/.exec(reference);
  if (match === null) throw badReference(reference, "k8s://namespace/secret");
  const [, namespace = "", name = ""] = match;
  if (context === undefined) {
    throw new SourceError("unsupported", `\`${reference}\` needs a cluster (or the Secret as a file)`, {
      origin: reference,
    });
  }
  const answer = await context.fetch<"secret">({ kind: "secret", namespace, name }, { signal });
  if (!answer.ok) throw new SourceError(answer.failure.code, answer.failure.message, answer.failure);
  const secret: unknown = answer.value.object;
  const data = fieldOf(secret, "data");
  const encoded = text(fieldOf(data, "cosign.pub"));
  if (encoded !== undefined) return Buffer.from(encoded, "base64").toString("utf8");
  throw new SourceError("malformed", `Secret \`${namespace}/${name}\` has no \`cosign.pub\``, {
    origin: reference,
  });
};
