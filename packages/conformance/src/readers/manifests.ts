import { ConditionError, compile, createScope, evaluate } from "@assay/conditions";
import { parseDocuments } from "@assay/policy";
import fc from "fast-check";
import type { Comparison } from "./comparison.ts";
import { composed } from "./composed.ts";
import { damaged } from "./damaged.ts";
import { jsonTexts } from "./json-texts.ts";

const texts = [
  `apiVersion: v1
kind: ConfigMap
metadata:
  name: q
  labels: &l {a: b, c: "d"}
  annotations:
    x: |
      some text
        more
    w: >-
      folded
      text
data: {a: b, c: [d, e]}
spec:
- name: c
  image: a.test/b
- {name: d, image: "b.test/c"}
`,
  `base: &b {kind: Pod, spec: x}
<<: *b
apiVersion: v1
kind: ConfigMap
metadata: {name: q}
list: [a, {b: c}, [d]]
# comment
text: 'a ''b'' c'
escapes: "a\\tb\\x41"
`,
  `{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "q"}, "spec": {"a": [1, 2.5, true, null]}}
`,
  `---
apiVersion: v1
kind: Pod
metadata:
    name: q
    k: v # c
? complex
: value
list:
  - a
  -
    b: c
  - - d
    - e
---
apiVersion: v1
kind: Service
metadata: {name: s}
scalars: [1, 0x1, 1e3, ~, yes, "yes", 010, 1_0, .5, 2001-01-01, 1:30]
`,
  `apiVersion: v1
kind: Pod
metadata:
  name: q
  annotations:
    a: "multi
      line \\
      text"
    b: 'single

      quoted'
    c: plain
      over lines
    d: |2-
        indented
      text
    e: >+
      folded

      more
    
spec:
  containers:
  - name: c
    image: a.test/b # the image
    args: ["-a", '-b', c d, --e=f]
    env:
    - {name: A, value: "1"}
    -   name: B
        value: |
          x: y
  - &c
    name: d
    image: b.test/c
  initContainers: [*c]
`,
  `apiVersion: v1
kind: Pod
metadata: {name: q, labels: &a {b: &b c}, annotations: {d: *b}}
spec:
  containers:
  - &c {name: *b, image: a.test/b}
  - <<: *c
    image: b.test/c
  initContainers: [*c, {name: *b, image: &b c.test/d}, {name: d, image: *b}]
`,
];

/** Whatever separates, tags, quotes or names, and scalars that some reader takes for something else than text. */
const scraps = [
  ..."?: \n-{}[],#~|>\"'!&*=+%@`\\\t\r\u0085\u2028\u2029\ufeff\u007f\u0001\u00a0ö",
  ...["  ", "\n\n", "\n ", "\n  ", "\n    ", "\n- ", "\r\n", "\\\n", " #", "#\n", ": ", "? ", "- "],
  ...["{?", ", ?", ", :", " :x", "---\n", "---", "...\n", "--", "-x", "x: y\n", "kind: Pod", "kind"],
  ...[
    "\n--- ",
    "\n---\t\n",
    "\n--- # c\n",
    "\n--- |\n",
    "\n--- {a: b}\n",
    "\n... ",
    "\n...#\n",
    "%YAML 1.1\n---\n",
    "\n%a b\n",
  ],
  ...["&a ", "&b ", "&c ", "&l ", "*a", "*b", "*c", "*l ", "<<: ", "<<: *b\n", "|-\n", "|2\n", ">+\n"],
  ...["{!!str ", "!!str,", "[!", "!,", ":,", ":}", "! ", "!<tag:yaml.org,2002:str> ", "''", '""'],
  ...["null", "yes", "1", "08", "1_0", "1.", ". ", "0x1", "0o7", "0b1", "0777", "1e3", ".inf", "-.5"],
  ...["1:30:45", "2001-12-14t21:59:43.10-05:00"],
  ...["str", "binary", "int", "float", "null", "map", "seq", "bool"].map((tag) => `!!${tag} `),
  ...["omap", "set", "pairs", "merge"].map((tag) => `!!${tag} `),
];

const written = fc.oneof(damaged(texts, scraps), composed, jsonTexts);

/** Manifests: what `assay apply` judges, and what `kubectl apply` would apply (docs/decisions/0017). */
export const manifests: Comparison = {
  name: "manifests",
  sentence: "a manifest is what kubectl reads in it, or it is refused",
  texts: written,
  read(text) {
    const { documents, diagnostics } = parseDocuments({ text });
    const refused = diagnostics.find(({ severity }) => severity === "error");
    return refused === undefined ? { value: documents } : { error: refused.message };
  },
};

const parseYaml = compile("parse_yaml(text)");

/** YAML inside the data of conditions. */
export const yamlTexts: Comparison = {
  name: "yaml",
  sentence: "`parse_yaml` makes of a text what Kyverno's does, or refuses it",
  texts: written,
  read(text) {
    try {
      return { value: evaluate(parseYaml, createScope({ data: { text }, now: new Date(0) })) };
    } catch (error) {
      if (error instanceof ConditionError) return { error: error.message };
      throw error;
    }
  },
};
