import type { Json } from "@assay/policy";

/** A verified statement, as far as notes about its producer go. */
export interface Producer {
  readonly predicateType: string;
  readonly predicate: Json;
}

interface Note {
  readonly predicateType: string;
  /** What the policy's expression must name for the note to matter. */
  readonly names: RegExp;
  /** Where the value was found: what must follow after the expected text for the note to matter. */
  readonly follows?: RegExp;
  readonly text: string;
}

const vuln = "https://cosign.sigstore.dev/attestation/vuln/v1";
const custom = "https://cosign.sigstore.dev/attestation/v1";

/**
 * What well-known producers write other than one would expect (`cosign attest` re-encodes some predicates, the SLSA
 * generator names itself with its ref). Read from their sources; matched by predicate type and the field in question.
 */
const notes: readonly Note[] = [
  {
    predicateType: vuln,
    names: /\bscanner\.(?!uri\b|version\b|db\b|result\b)/,
    text:
      "`cosign attest --type vuln` keeps only uri, version, db and result of `scanner` and drops the rest; " +
      `\`cosign attest --type ${vuln}\` keeps the predicate as it is`,
  },
  {
    predicateType: custom,
    names: /./,
    text:
      "`cosign attest --type custom` wraps the file as text in `Data`, beside `Timestamp`; " +
      "its fields are found if that text is a JSON object",
  },
  {
    predicateType: "https://slsa.dev/provenance/v0.2",
    names: /\bbuilder\.id\b/,
    follows: /^@refs\//,
    text: "the builder.id of a GitHub workflow ends in the ref it was called by (`@refs/tags/v…`): end the expected value in `@refs/tags/*`",
  },
  {
    predicateType: "https://slsa.dev/provenance/v0.2",
    names: /\bbuildType\b/,
    follows: /^\/\w+@v\d+$/,
    text: "the SLSA generator's buildType ends in the kind of build and its version, such as `/container@v1`",
  },
];

/** What is known about a producer that explains why its statement does not hold what the policy asks for. */
export function producerNote(
  producer: Producer | undefined,
  expression: string | undefined,
  compared: { readonly expected?: Json; readonly received?: Json } = {},
): string | undefined {
  if (producer === undefined || expression === undefined) return undefined;
  const note = notes.find(
    (one) =>
      one.predicateType === producer.predicateType &&
      one.names.test(expression) &&
      (one.follows === undefined || one.follows.test(remainder(compared))),
  );
  return note?.text;
}

/** What the received text has beyond the expected one. */
function remainder({ expected, received }: { readonly expected?: Json; readonly received?: Json }): string {
  if (typeof expected !== "string" || typeof received !== "string") return "";
  return received.startsWith(expected) ? received.slice(expected.length) : "";
}
