import fc from "fast-check";

/** A value as text behind its key or dash, given the indentation of what is inside it. */
type Written = (indent: number) => string;

const anchor = fc.constantFrom("", "", "", " &a", " &b", " &c");
const alias = fc.constantFrom("*a", "*b", "*c");
const scalar = fc.constantFrom(
  ...[
    "a",
    "a.test/b:c",
    "1",
    "010",
    "1e3",
    "yes",
    "~",
    "",
    "'a ''b'''",
    '"a\\x41"',
    "a b",
    "a#b",
    "a: b",
    "-a",
    "!!str 1",
  ],
  ...["{}", "[]", "!!int '1'", "!!float 1", "! 1", "2001-01-01"],
);
const block = fc
  .tuple(
    fc.constantFrom("|", ">", "|-", ">+", "|+", "|2", ">1-"),
    fc.constantFrom("a", "  a\nb", "a\n\n  b\n", "a\n \n", ""),
  )
  .map(([header, lines]): Written => {
    return (indent) => ` ${header}\n${lines.replace(/^(?=.)/gm, " ".repeat(indent))}`;
  });
const key = fc.constantFrom(..."abcdefgh", "'i'", '"k"', "1");
const marked = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<readonly [string, T]> =>
  fc.tuple(
    fc.tuple(anchor, key).map(([mark, name]) => `${mark} ${name}`.trim()),
    value,
  );
const merge = fc
  .constantFrom(" *a", " *b", " *c", " [*a, *b]", " {a: b}")
  .map((text) => ["<<", text] as const);

const writtenMerge = merge.map(([name, text]) => [name, always(text)] as const);
const entry = <T>(value: fc.Arbitrary<T>, merge: fc.Arbitrary<readonly [string, T]>) =>
  fc.oneof({ weight: 6, arbitrary: marked(value) }, { weight: 1, arbitrary: merge });

const { value } = fc.letrec<{ value: Written; flow: string; map: Written; list: Written }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.tuple(anchor, scalar).map(([mark, text]) => always(`${mark} ${text}`)),
    alias.map((name) => always(` ${name}`)),
    fc.tuple(anchor, block).map(
      ([mark, text]): Written =>
        (indent) =>
          mark + text(indent),
    ),
    tie("flow").map((text) => always(` ${text}`)),
    tie("map"),
    tie("list"),
  ),
  flow: fc.oneof(
    { maxDepth: 3 },
    fc.tuple(anchor, scalar).map(([mark, text]) => `${mark} ${text}`.trim()),
    alias,
    fc
      .tuple(anchor, fc.array(entry(tie("flow"), merge), { minLength: 1, maxLength: 4 }))
      .map(([mark, entries]) =>
        `${mark} {${entries.map(([name, text]) => `${name}: ${text}`).join(", ")}}`.trim(),
      ),
    fc
      .tuple(anchor, fc.array(tie("flow"), { maxLength: 3 }))
      .map(([mark, items]) => `${mark} [${items.join(", ")}]`.trim()),
  ),
  map: fc.tuple(anchor, fc.array(entry(tie("value"), writtenMerge), { minLength: 1, maxLength: 4 })).map(
    ([mark, entries]): Written =>
      (indent) =>
        mark + blockMap(entries, indent),
  ),
  list: fc.tuple(anchor, fc.array(tie("value"), { minLength: 1, maxLength: 3 })).map(
    ([mark, items]): Written =>
      (indent) =>
        mark + items.map((item) => line("-", item, indent)).join(""),
  ),
}));

/** Manifests made of anchors, aliases, merges and every way to write a value, sense or none. */
export const composed: fc.Arbitrary<string> = fc
  .array(entry(value, writtenMerge), { minLength: 1, maxLength: 6 })
  .map(
    (entries) => `apiVersion: v1\nkind: X\nu: &a {l: m}\nv: &b {q: o}\nw: &c {l: p}${blockMap(entries, 0)}\n`,
  );

function always(text: string): Written {
  return () => text;
}

function blockMap(entries: readonly (readonly [string, Written])[], indent: number): string {
  return entries.map(([name, written]) => line(`${name}:`, written, indent)).join("");
}

function line(start: string, written: Written, indent: number): string {
  return `\n${" ".repeat(indent)}${start}${written(indent + 2)}`;
}
