import type { Digest } from "@assay/image";
import type { Json, JsonObject } from "@assay/policy";
import { isJsonObject, own, parseJson, parseStrictObject, readUtf8 } from "../encoding/strict-json.ts";
import { refuse, shown } from "../refusal.ts";

/** A statement whose form was checked. Whether it was signed, and about what, is for the caller to know. */
export interface InTotoStatement {
  readonly statementType: string;
  readonly predicateType: string;
  readonly subject: readonly JsonObject[];
  /** Parses the predicate; refuses what is not JSON. */
  readonly readPredicate: () => Json;
}

const statementTypes: readonly string[] = [
  "https://in-toto.io/Statement/v0.1",
  "https://in-toto.io/Statement/v1",
];
/** As sigstore-go (pkg/verify/signature.go:41-42). */
const maxSubjects = 1024;
const maxDigests = 32;

/**
 * Reads an in-toto statement (github.com/in-toto/attestation, spec/v1). The head (everything but the predicate) must be
 * free of duplicate keys; the predicate is parsed only where somebody asks for it, since it may be megabytes.
 */
export function parseInTotoStatement(payload: Buffer): InTotoStatement {
  const what = "in-toto statement";
  const { members, skipped } = parseStrictObject(readUtf8(payload, what), { what, skip: "predicate" });
  const statementType = own(members, "_type");
  const predicateType = own(members, "predicateType");
  if (typeof statementType !== "string" || typeof predicateType !== "string") {
    return refuse("malformed", `${what} lacks _type or predicateType`);
  }
  // guard: statement-type
  if (!statementTypes.includes(statementType)) {
    refuse("malformed", `${what} has the unknown _type \`${shown(statementType)}\``);
  }
  return {
    statementType,
    predicateType,
    subject: readSubjects(own(members, "subject")),
    readPredicate: () => (skipped === undefined ? null : parseJson(skipped, `predicate of the ${what}`)),
  };
}

function readSubjects(subject: Json | undefined): readonly JsonObject[] {
  if (!Array.isArray(subject)) return refuse("malformed", "in-toto statement has no subject");
  // guard: statement-subjects
  if (subject.length > maxSubjects)
    refuse("tooMany", `in-toto statement has more than ${maxSubjects} subjects`);
  return subject.map((entry: Json) => {
    if (!isJsonObject(entry)) return refuse("malformed", "in-toto statement has a subject that is no object");
    const digest = own(entry, "digest") ?? {};
    if (!isJsonObject(digest))
      return refuse("malformed", "in-toto statement has a subject digest that is no object");
    // guard: statement-digests
    if (Object.keys(digest).length > maxDigests) {
      refuse("tooMany", `in-toto statement has a subject with more than ${maxDigests} digests`);
    }
    return entry;
  });
}

/**
 * Binds a statement to an image: one of its subjects must carry the image's digest under the algorithm's own name, in
 * the one spelling that digests have. Names of subjects prove nothing. Returns the subjects that matched.
 */
export function checkStatementSubject(statement: InTotoStatement, digest: Digest): readonly JsonObject[] {
  const about = subjectsAbout(statement, digest);
  // guard: statement-subject
  if (about.length === 0) {
    refuse("claimMismatch", "no subject of the statement is this image: it was made for another one", {
      expected: digest,
      received: statement.subject.slice(0, 8).map((entry) => own(entry, "digest")),
    });
  }
  return about;
}

/** Does the statement name the image among its subjects? */
export function isAbout(statement: InTotoStatement, digest: Digest): boolean {
  return subjectsAbout(statement, digest).length > 0;
}

function subjectsAbout({ subject }: InTotoStatement, digest: Digest): readonly JsonObject[] {
  const [algorithm = "", hex = ""] = digest.split(":");
  return subject.filter((entry) => {
    const digests = own(entry, "digest");
    return isJsonObject(digests) && own(digests, algorithm) === hex;
  });
}
