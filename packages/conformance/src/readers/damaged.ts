import fc from "fast-check";

/** One change of a text: at a part of its length, so many characters away, and this in their place. */
interface Damage {
  readonly where: number;
  readonly away: number;
  readonly scrap: string;
}

/** Texts with one to four random changes each: characters lost, and `scraps` put in. */
export function damaged(texts: readonly string[], scraps: readonly string[]): fc.Arbitrary<string> {
  const damage = fc.record({
    where: fc.double({ min: 0, max: 1, noNaN: true }),
    away: fc.constantFrom(0, 0, 1, 2, 3),
    scrap: fc.constantFrom("", ...scraps),
  });
  return fc
    .tuple(fc.constantFrom(...texts), fc.array(damage, { minLength: 1, maxLength: 4 }))
    .map(([text, damages]) => damages.reduce(apply, text));
}

function apply(text: string, { where, away, scrap }: Damage): string {
  const at = Math.floor(where * (text.length + 1));
  return text.slice(0, at) + scrap + text.slice(at + away);
}
