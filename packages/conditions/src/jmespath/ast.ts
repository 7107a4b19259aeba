import type { ArithmeticOperator } from "../functions/arithmetic.ts";
import type { Value } from "../json.ts";
import type { HoleText } from "./token.ts";

export type Comparison = "eq" | "ne" | "lt" | "lte" | "gt" | "gte";

/** A part of the language that Kyverno does not have. */
export type Extension = "arithmetic" | "hyphenIdentifier" | "jsonPath" | "attestationPath" | "timeComparison";

interface At {
  /** Where in the expression, in UTF-16 units. */
  readonly offset: number;
}

/** Syntax tree of a JMESPath expression, in go-jmespath's shapes. */
export type Node = At &
  (
    | { readonly kind: "field"; readonly name: string }
    /** A key, or a literal, whose text comes from nested variables. */
    | {
        readonly kind: "holeField";
        readonly text: HoleText;
        /** Quotes make text of any value; behind a dot only a key may stand; elsewhere a value stands for itself. */
        readonly place: "quoted" | "key" | "any";
      }
    | { readonly kind: "holeString"; readonly text: HoleText }
    | { readonly kind: "holeLiteral"; readonly text: HoleText }
    | { readonly kind: "holeIndex"; readonly text: HoleText; readonly negative: boolean }
    | { readonly kind: "literal"; readonly value: Value }
    | { readonly kind: "current" }
    | { readonly kind: "index"; readonly index: number }
    | { readonly kind: "slice"; readonly parts: SliceParts }
    | { readonly kind: "chain"; readonly left: Node; readonly right: Node }
    | { readonly kind: "pipe"; readonly left: Node; readonly right: Node }
    | { readonly kind: "or"; readonly left: Node; readonly right: Node }
    | { readonly kind: "and"; readonly left: Node; readonly right: Node }
    | { readonly kind: "not"; readonly operand: Node }
    | { readonly kind: "compare"; readonly operator: Comparison; readonly left: Node; readonly right: Node }
    | {
        readonly kind: "arithmetic";
        readonly operator: ArithmeticOperator;
        readonly left: Node;
        readonly right: Node;
      }
    | { readonly kind: "projection"; readonly left: Node; readonly right: Node }
    | { readonly kind: "valueProjection"; readonly left: Node; readonly right: Node }
    | {
        readonly kind: "filter";
        readonly left: Node;
        readonly right: Node;
        readonly condition: Node;
      }
    | { readonly kind: "flatten"; readonly operand: Node }
    | { readonly kind: "list"; readonly items: readonly Node[] }
    | { readonly kind: "hash"; readonly entries: readonly (readonly [string | HoleText, Node])[] }
    | { readonly kind: "call"; readonly name: string; readonly args: readonly Node[] }
    | { readonly kind: "reference"; readonly operand: Node }
    | { readonly kind: "jsonPath"; readonly path: string }
    /** What go-jmespath makes of `[0` without its bracket: parses, and fails when it runs. */
    | { readonly kind: "broken" }
  );

/** `[start:stop:step]`. */
export interface SliceParts {
  readonly start: number | undefined;
  readonly stop: number | undefined;
  readonly step: number | undefined;
}

/** A tree, and what of it Kyverno would refuse. */
export interface ParsedExpression {
  readonly node: Node;
  readonly extensions: readonly Extension[];
}
