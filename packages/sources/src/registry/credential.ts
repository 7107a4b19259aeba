import type { RegistryAccess } from "@assay/engine";

/** What opens a registry. */
export type Credential =
  | { readonly kind: "basic"; readonly username: string; readonly password: string }
  /** An OAuth2 refresh token, traded for access tokens at the registry's realm. */
  | { readonly kind: "identityToken"; readonly token: string }
  /** A ready bearer token, sent as it is. */
  | { readonly kind: "bearer"; readonly token: string };

/** Whose credentials are wanted. */
export interface CredentialRequest {
  /** As in images: `docker.io`, `registry.example.com:5000`. */
  readonly registry: string;
  /** Path of the repository. */
  readonly repository: string;
  readonly access: RegistryAccess | undefined;
}

/** Either a credential and where it comes from, or why there is none. Both are shown to people, the credential never. */
export type CredentialAnswer =
  | { readonly credential: Credential; readonly source: string }
  | { readonly credential?: undefined; readonly reason: string };

/** One place where credentials are kept. Asked in order; the first that has one wins. */
export interface CredentialProvider {
  /** For messages, e.g. `docker config`. */
  readonly name: string;
  /**
   * Kyverno's name for it (`default`, `amazon`, `azure`, `google`, `github`). A policy that lists providers is served by
   * those alone; a provider without such a name always counts.
   */
  readonly provider?: string;
  find(request: CredentialRequest, options: { readonly signal: AbortSignal }): Promise<CredentialAnswer>;
}

export interface FoundCredential {
  readonly credential: Credential | undefined;
  /** Which source was used and why the ones before it were not. */
  readonly notes: readonly string[];
}

/**
 * Asks the providers in order. One that fails is passed over and says so in the notes: the registry may let us in
 * all the same, and if not, the notes tell why.
 */
export async function findCredential(
  providers: readonly CredentialProvider[],
  request: CredentialRequest,
  signal: AbortSignal,
): Promise<FoundCredential> {
  const notes: string[] = [];
  const listed = request.access?.providers ?? [];
  for (const provider of providers) {
    if (listed.length > 0 && provider.provider !== undefined && !listed.includes(provider.provider)) {
      notes.push(`${provider.name}: not among the policy's providers`);
      continue;
    }
    const answer = await provider.find(request, { signal }).catch((error: unknown): CredentialAnswer => {
      signal.throwIfAborted();
      return { reason: error instanceof Error ? error.message : String(error) };
    });
    if (answer.credential !== undefined) {
      notes.push(`credentials for \`${request.registry}\` from ${answer.source}`);
      return { credential: answer.credential, notes };
    }
    notes.push(`${provider.name}: ${answer.reason}`);
  }
  notes.push(`no credentials for \`${request.registry}\`, asked anonymously`);
  return { credential: undefined, notes };
}
