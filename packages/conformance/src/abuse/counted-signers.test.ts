import type { KeylessAttestor } from "@assay/policy";
import { image, type Signer, slsa } from "@assay/testkit";
import { describe } from "vitest";
import { type AbuseCase, abuseCases } from "./cases.ts";
import { type Judged, judgeAttestation, keyless, now, setOf, sigstore } from "./world.ts";

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
