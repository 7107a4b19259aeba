import { type Cell, type Expectation, expectationOf, FORMATS, PROOFS, SIGNERS } from "./cells.ts";

/** `docs/formats.md`: every cell of the grid, with the note that explains it. */
export function formatsPage(): string {
  const notes: string[] = [];
  const sections = FORMATS.map((format) => {
    const head = `| | ${PROOFS.map(({ title }) => title).join(" | ")} |`;
    const line = `|---|${PROOFS.map(() => "---").join("|")}|`;
    const rows = SIGNERS.map((signer) => {
      const marks = PROOFS.map((proof) => markOf({ signer, format, proof }, notes));
      return `| ${signer.title} | ${marks.join(" | ")} |`;
    });
    return `## ${format.title}\n\nTests: \`grid.test.ts\`, \`${format.id} × …\`\n\n${[head, line, ...rows].join("\n")}\n`;
  });
  const legend = notes.map((note, i) => `${i + 1}. ${note}`).join("\n");
  return `${INTRODUCTION}\n${sections.join("\n")}\n## Notes\n\n${legend}\n`;
}

const INTRODUCTION = `# Formats

Generated from the tests of \`packages/conformance/src/grid.test.ts\`, which make every one of these with the test kit, judge
it, and judge it again with one bit of the signature changed. Do not edit: \`npx vitest run --project conformance grid -u\`.

An image signature is what signs the image: cosign's claim (\`.sig\`), a statement of the type
\`https://sigstore.dev/cosign/sign/v1\` about its digest, or a message signature over its manifest. The last makes no statement:
no predicate type is asked of it, and it carries no annotations, so that a policy that asks for some is not satisfied. Its
manifest is read where such a bundle decides, and hashed, whatever the bundle says of it. A message signature is never an
attestation. \`grid-end-to-end.test.ts\` finds every format in registries with and without the referrers API, message signatures
by tag and by digest.

\`cosign sign-blob --bundle\` over the manifest makes a message signature, and \`cosign verify-blob\` verifies it. \`cosign verify\`
of the image refuses it: it wants a statement, whatever else a bundle proves.

✓ verifies, and a changed signature is denied · ✗ is denied · – cannot exist. Numbers lead to the notes below.
`;

function markOf(cell: Cell, notes: string[]): string {
  const expected: Expectation = expectationOf(cell);
  switch (expected.outcome) {
    case "allowed":
      return "✓";
    case "denied":
      return `✗ ${noteNumber(`\`${expected.code}\`: ${expected.note}`, notes)}`;
    case "impossible":
      return `– ${noteNumber(expected.note, notes)}`;
  }
}

function noteNumber(note: string, notes: string[]): string {
  if (!notes.includes(note)) notes.push(note);
  return `<sup>${notes.indexOf(note) + 1}</sup>`;
}
