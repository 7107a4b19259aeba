import { attestationScope, type Scope } from "@assay/conditions";
import { type ImageReference, imageVariables } from "@assay/image";
import type { Json, JsonObject } from "@assay/policy";
import type { VerifiedAttestation } from "@assay/verify";
import { isObject } from "../is-object.ts";
import type { EntryQuestion } from "./entry-question.ts";

/** Adds Kyverno's `image` variable: the reference as the object names it. */
export function imageScope(scope: Scope, question: { readonly image: ImageReference }): Scope {
  return scope.child({ data: { image: { ...imageVariables(question.image) } } });
}

/** The names that a condition sees of one verified statement, over the rule's and the image's. */
export function statementScope(
  scope: Scope,
  statement: VerifiedAttestation & { readonly predicate: JsonObject },
  at: { readonly question: EntryQuestion; readonly name?: string | undefined },
): Scope {
  const { signer } = statement;
  const { name } = at;
  return attestationScope(imageScope(scope, at.question), {
    predicate: statement.predicate,
    predicateType: statement.predicateType,
    subject: statement.subject,
    signer: {
      kind: signer.kind,
      keyId: signer.keyId,
      subject: signer.subject ?? "",
      issuer: signer.issuer ?? "",
      extensions: signer.extensions ?? {},
      verifiedTimes: signer.verifiedTimes.map(({ from, time }): Json => ({ from, time })),
      logIndex: signer.logIndex ?? "",
    },
    ...(name === undefined ? {} : { name }),
  });
}

/** Conditions need named fields: `cosign attest --type spdx` for instance signs a predicate that is one long string. */
export function hasFields(
  statement: VerifiedAttestation,
): statement is VerifiedAttestation & { readonly predicate: JsonObject } {
  return isObject(statement.predicate);
}
