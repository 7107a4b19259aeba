/**
 * Foreign text as it may be shown on a terminal: control characters (escape sequences, carriage returns, C1 codes,
 * bidirectional overrides) are spelt out, so that a registry or a certificate cannot paint over our own words.
 */
export function plainText(text: string): string {
  return text.replace(
    /[^\P{Cc}\n\t]|[\u061c\u202a-\u202e\u2066-\u2069\u200e\u200f\u2028\u2029]/gu,
    (character) => {
      const code = character.codePointAt(0) ?? 0;
      return `\\u${code.toString(16).padStart(4, "0")}`;
    },
  );
}
