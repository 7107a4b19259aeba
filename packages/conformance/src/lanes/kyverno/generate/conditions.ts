import type { Random } from "../../../random.ts";
import { attested, holding, operators, values, words } from "./expressions.ts";
import { types } from "./surroundings.ts";

/** Expressions that a condition may be about; `variables` are the rule's own. */
export interface Pool {
  readonly expressions: readonly string[];
  readonly variables?: readonly string[];
}

const variable = (expression: string): string => `{{ ${expression} }}`;

/** One condition: mostly an expression, an operator and a value, sometimes the other way round. */
export function condition(random: Random, { expressions, variables = [] }: Pool): object {
  const expression = (): string => variable(random.one([...expressions, ...variables]));
  const key = random.chance(0.93) ? expression() : random.one(values.filter((value) => value !== null));
  const value = random.chance(0.9) ? random.one(values) : expression();
  return {
    key,
    operator: random.one(operators),
    ...(value === null && random.chance(0.5) ? {} : { value }),
    ...random.maybe(0.1, () => ({ message: "because {{ request.operation }}" })),
  };
}

/** `any`, `all`, or both. */
export function anyAll(random: Random, pool: Pool): object {
  const some = (): readonly object[] =>
    random.list([1, 1, 2, 3], () =>
      pool.expressions === attested && random.chance(0.25) ? random.one(holding) : condition(random, pool),
    );
  if (random.chance(0.5)) return { all: some() };
  return random.chance(0.7) ? { any: some() } : { any: some(), all: some() };
}

/** Expressions about a predicate, those three times as often that its type has something to say to. */
export function about(type: string): readonly string[] {
  const name = Object.entries(types).find(([, uri]) => uri === type)?.[0] ?? "";
  const own = attested.filter((expression) => words[name]?.test(expression) === true);
  return [...own, ...own, ...own, ...attested];
}
