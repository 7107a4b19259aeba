import type { Credential, CredentialProvider } from "../registry/credential.ts";
import { type AuthEntries, entryFor } from "./auth-entries.ts";

/** Credentials in hand, by registry (`registry.example.com`, `registry.example.com/team`, `*.example.com`). */
export function givenCredentials(
  credentials: Readonly<Record<string, Credential>>,
  name = "given credentials",
): CredentialProvider {
  const entries: AuthEntries = new Map(Object.entries(credentials));
  return {
    name,
    async find({ registry, repository }) {
      const found = entryFor(entries, registry, repository);
      return found === undefined
        ? { reason: `none for \`${registry}\`` }
        : { credential: found.credential, source: name };
    },
  };
}
