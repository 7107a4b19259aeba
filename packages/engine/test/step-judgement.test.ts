import { expect, test } from "vitest";
import type { LookupFailure } from "../src/gather/lookup.ts";
import { allOpen } from "../src/judge/step-judgement.ts";

const network: LookupFailure = { code: "unavailable", message: "refused", origin: "r" };
const http: LookupFailure = { code: "unavailable", status: 503, message: "503", origin: "r" };

test.each([
  ["nothing failed: an error of unknown cause never opens", [], false],
  ["no connection", [network], true],
  ["a refusal by HTTP", [http], false],
  ["both", [network, http], false],
])("what `Ignore` admits: %s", (_name, failures, opens) => {
  expect(allOpen(failures)).toBe(opens);
});
