import fc from "fast-check";
import { damaged } from "./damaged.ts";

/** What JSON and YAML tell apart, or one of the two does not know. */
const scraps = [
  ..."{}[],:\"\\-'# \n\t\r\u2028\u0000\u0001\u007f\ufeff",
  ...[
    "\\u0041",
    "\\ud83d",
    "\\ude00",
    "\\/",
    "\\n",
    "\\x41",
    "\\u2028",
    " # c",
    "//",
    "/*",
    "\r\n",
    "&a ",
    "*a",
    "? ",
  ],
  ...[
    "1e5",
    "1E400",
    "-0",
    "01",
    "1.0",
    "9007199254740993",
    "1e-7",
    "0.1e1",
    "null",
    "true",
    "NaN",
    "---\n",
    "\n---\n",
  ],
  ...["{}", '{"kind":"Pod","apiVersion":"v1"}', '"a":1,', '"kind":"Pod",', '"KIND":"Pod",'],
];

/** Manifests in JSON, laid out in several ways, whole or damaged. */
export const jsonTexts: fc.Arbitrary<string> = fc
  .tuple(fc.jsonValue({ maxDepth: 3 }), fc.constantFrom(0, 1, 2, "\t"))
  .map(([spec, indent]) => JSON.stringify({ apiVersion: "v1", kind: "X", spec }, null, indent))
  .chain((text) => fc.oneof(fc.constant(text), damaged([text], scraps)));
