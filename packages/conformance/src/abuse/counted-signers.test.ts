import type { KeylessAttestor } from "@assay/policy";
import { image, type Signer, slsa } from "@assay/testkit";
import { describe } from "vitest";
import { type AbuseCase, abuseCases } from "./cases.ts";
import {
  byKey,
  type Judged,
  judgeAttestation,
  judgeSignature,
  keyless,
  now,
  policyKey,
  setOf,
  sigstore,
  strangerKey,
} from "./world.ts";

const ISSUER = "https://accounts.acme.example";
const hour = 60 * 60 * 1000;
const earlier = new Date(now.getTime() - hour);
const victim = image({ content: "victim" });
/** Two entries that any employee satisfies; a count makes them two employees. */
const twoEmployees = [setOf([employee(), employee()], 2)];

function employee(): KeylessAttestor {
  return keyless({ subject: "*@acme.example", issuer: ISSUER });
}

function person(name: string, at: Date = now): Signer {
  return sigstore.identity({ subject: `${name}@acme.example`, issuer: ISSUER, at });
}

/** Somebody whose certificate has several names. Fulcio gives one; an authority of one's own may give more. */
function aliased(...names: readonly string[]): Signer {
  const subject = names.map((name) => ({ kind: "email", value: `${name}@acme.example` }) as const);
  return sigstore.identity({ subject, issuer: ISSUER, at: now });
}

/** Alice attests first, then Bob; a build by `good` meets the conditions. */
function attestedBy(
  builders: readonly [alice: string, bob: string],
  quantifier: "all" | "any" | "latest",
): Judged {
  const by = (builder: string) => slsa({ version: "0.2", builder });
  const both = victim
    .using({ at: earlier })
    .attestedBy(person("alice", earlier), by(builders[0]))
    .using({ at: now })
    .attestedBy(person("bob"), by(builders[1]));
  return judgeAttestation(both, twoEmployees, {
    quantifier,
    check: ({ predicate }) => JSON.stringify(predicate).includes("good"),
  });
}

describe("a count of attestors", () => {
  const quantifiers = ["any", "latest"] as const;
  abuseCases([
    ...quantifiers.map(
      (quantifier): AbuseCase => ({
        name: `33 two signers asked for, the statement of one does not hold, where ${quantifier} counts`,
        judge: () => attestedBy(["bad", "good"], quantifier),
        code: "notEnoughAttestors",
      }),
    ),
    {
      name: "33 two signers asked for, both statements hold, where the latest counts",
      judge: () => attestedBy(["good", "good"], "latest"),
      code: "notEnoughAttestors",
    },
    ...(["any", "all"] as const).map(
      (quantifier): AbuseCase => ({
        name: `33 two signers asked for, both statements hold, where ${quantifier} counts`,
        judge: () => attestedBy(["good", "good"], quantifier),
        want: "allowed",
      }),
    ),
  ]);
});

describe("a count of signers", () => {
  const alone = victim.signedBy(person("alice"));
  const both = alone.signedBy(person("bob"));
  const one = { ...setOf([employee()]), path: "attestors[0].entries[0]" };
  const ours = byKey();
  const either = setOf([ours, byKey({ publicKeys: strangerKey.pem })], 1);
  const byBothKeys = victim.signedBy(policyKey).signedBy(strangerKey);
  const missing = (code: "pending" | "unavailable" | "unauthorized" | "tooMany") =>
    [{ shelf: "referrersTag", code, message: "the fallback tag was not read" }] as const;
  abuseCases([
    {
      name: "33 two employees asked for by nested sets, both signed",
      judge: () => judgeSignature(both, [setOf([one, one], 2)]),
      want: "allowed",
    },
    {
      name: "33 two employees asked for by nested sets, one signed",
      judge: () => judgeSignature(alone, [setOf([one, one], 2)]),
      code: "notEnoughAttestors",
    },
    {
      name: "33 ours and either of two keys asked for, both signed",
      judge: () => judgeSignature(byBothKeys, [setOf([either, ours], 2)]),
      want: "allowed",
    },
    {
      name: "33 ours and either of two keys asked for, ours signed alone",
      judge: () => judgeSignature(victim.signedBy(policyKey), [setOf([either, ours], 2)]),
      code: "notEnoughAttestors",
    },
    // What was not read may hold the second signer: that is no refusal.
    ...(["pending", "unavailable", "unauthorized"] as const).flatMap((code): readonly AbuseCase[] => [
      {
        name: `91 the second of two signers may stand where nobody could look (${code})`,
        judge: () => judgeSignature(alone, twoEmployees, { gaps: missing(code) }),
        want: "error",
        code: code === "pending" ? "unavailable" : code,
      },
      {
        name: `91 the second of two signers in nested sets may stand where nobody could look (${code})`,
        judge: () => judgeSignature(alone, [setOf([one, one], 2)], { gaps: missing(code) }),
        want: "error",
      },
      {
        name: `91 the second of two statements may stand where nobody could look (${code})`,
        judge: () =>
          judgeAttestation(victim.attestedBy(person("alice"), slsa({ version: "0.2" })), twoEmployees, {
            quantifier: "any",
            gaps: missing(code),
          }),
        want: "error",
      },
    ]),
    {
      name: "91 a pinned key is one signer, whatever else could be read",
      judge: () =>
        judgeSignature(victim.signedBy(policyKey), [setOf([ours, ours], 2)], {
          gaps: missing("unavailable"),
        }),
      code: "notEnoughAttestors",
    },
    {
      name: "33 more signatures than may be read leave the second signer unproven",
      judge: () => judgeSignature(alone, twoEmployees, { gaps: missing("tooMany") }),
      code: "notEnoughAttestors",
    },
    {
      name: "33 one employee by two certificates, one of which names an alias too",
      judge: () => judgeSignature(alone.signedBy(aliased("alias", "alice")), twoEmployees),
      code: "notEnoughAttestors",
    },
    {
      name: "33 two employees, one of whom has an alias",
      judge: () => judgeSignature(alone.signedBy(aliased("alias", "bob")), twoEmployees),
      want: "allowed",
    },
    {
      name: "33 two signers that are known need nothing more",
      judge: () => judgeSignature(both, twoEmployees, { gaps: missing("unavailable") }),
      want: "allowed",
    },
  ]);
});
