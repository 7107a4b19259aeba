import { SourceError, shown } from "../source-error.ts";

/** A reference that does not have its scheme's form. */
export function badReference(reference: string, form: string): SourceError {
  const message = `\`${shown(reference)}\` is no such key reference: write \`${form}\``;
  return new SourceError("malformed", message, { origin: shown(reference) });
}
