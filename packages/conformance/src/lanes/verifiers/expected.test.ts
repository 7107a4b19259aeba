import { expect, test } from "vitest";
import { compatibilitySubjects } from "../../compatibility-rows.ts";
import { expectedRefusals, rowOf } from "./expected.ts";
import type { Question } from "./question.ts";

const asked: Question = { bundle: "{}", root: "{}", digest: "", signer: { key: "" } };

test("every difference that is recognised has its row in docs/compatibility.md", () => {
  const subjects = compatibilitySubjects();
  expect(expectedRefusals.map(({ row }) => row).filter((row) => !subjects.includes(row))).toEqual([]);
});

test.each([
  [
    "a signature",
    "failed to verify signature: could not verify envelope: accepted signatures do not match threshold",
  ],
  ["a name", "failed to verify certificate identity: no matching CertificateIdentity found, last error: …"],
  ["a log's promise", "failed to verify log inclusion: unable to verify inclusion promise"],
  [
    "a time, promised by a log",
    "failed to verify log inclusion: integrated time outside certificate validity",
  ],
  ["a digest", "failed to verify artifact: provided artifact digest does not match any digest in statement"],
])("%s that the kernel alone accepts is a finding", (_name, refusal) => {
  const bundle = JSON.stringify({ tlogEntries: [{ inclusionPromise: {} }], signatures: [{ keyid: "" }] });
  expect(rowOf(refusal, { ...asked, bundle })).toBeUndefined();
});

test("Go's reader tells hints and timestamps from what counts", () => {
  const bundle = '{"publicKey":1,"tlogEntries":2,"timestampVerificationData":3}';
  const at = (value: string): string =>
    `bundle: proto: syntax error (line 1:${bundle.indexOf(value) + 1}): no`;
  expect(rowOf(at("1"), { ...asked, bundle })).toMatch(/^hints/);
  expect(rowOf(at("2"), { ...asked, bundle })).toBeUndefined();
  expect(rowOf(at("3"), { ...asked, bundle })).toMatch(/^a timestamp/);
});
