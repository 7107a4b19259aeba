/** What went out with a request. */
interface Sent {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: { readonly type: string; readonly text: string } | undefined;
}

/** Puts something harmless in the place of secrets in foreign text. */
export type Blot = (text: string) => string;

/** Fields of a form that say who we are. */
const secretFields = ["refresh_token", "access_token"];
/** Headers that do not. */
const openHeaders: ReadonlySet<string> = new Set(["accept", "content-type", "x-vault-namespace"]);
/** What is shorter stands in any text by chance. */
const leastCharacters = 6;

/**
 * Blots out of foreign text what a request was authorized by. Servers and proxies like to repeat in an error what they were
 * sent, and messages are read by people who may not know it: in reports, logs and tickets. It is found as it was sent,
 * decoded, and as URLs and JSON have it; who means to hide it from us can.
 */
export function blotting(sent: Sent): Blot {
  let pattern: RegExp | undefined;
  return (text) => {
    pattern ??= patternOf(sent);
    return text.replace(pattern, "[secret]");
  };
}

function patternOf({ headers, body }: Sent): RegExp {
  const secrets = [...Object.entries(headers).flatMap(secretsInHeader), ...secretsInForm(body)];
  const forms = [...new Set(secrets.flatMap(spellings))].filter((form) => form.length >= leastCharacters);
  if (forms.length === 0) return nothing;
  // The longest first: a secret may be part of another one.
  const literal = forms.sort((a, b) => b.length - a.length).map((form) => form.replace(/[^\w]/g, "\\$&"));
  // In any case of letters: hosts in URLs have but one.
  return new RegExp(`(?:${literal.join("|")})=*`, "gi");
}

const nothing = /(?!)/g;

function secretsInHeader([name, value]: readonly [string, string]): readonly string[] {
  if (openHeaders.has(name)) return [];
  const sent = value.replace(/^(?:basic|bearer) +/i, "");
  if (!/^basic /i.test(value)) return [sent];
  const pair = Buffer.from(sent, "base64").toString("utf8");
  return [sent, pair, pair.slice(pair.indexOf(":") + 1)];
}

function secretsInForm(body: Sent["body"]): readonly string[] {
  if (body?.type !== "application/x-www-form-urlencoded") return [];
  const form = new URLSearchParams(body.text);
  return secretFields.flatMap((name) => form.getAll(name));
}

/** A secret as it is, and as URLs, forms and JSON have it. */
function spellings(secret: string): readonly string[] {
  const form = new URLSearchParams({ "": secret }).toString().slice(1);
  return [secret.replace(/=+$/, ""), encodeURIComponent(secret), form, JSON.stringify(secret).slice(1, -1)];
}
