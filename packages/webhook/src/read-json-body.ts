import { WebhookError } from "./webhook-error.ts";

/** A request's body, to be read once. */
export type RequestBody = AsyncIterable<Uint8Array>;

/**
 * Reads a request's JSON body up to a limit; `body` in place of the request's own where there is a cheaper way to it. Throws `WebhookError`: `bodyTooLarge`, or `malformedReview` for another
 * content type or text that is not JSON. `JSON.parse` makes own properties of `__proto__`, never prototypes.
 */
export async function readJsonBody(
  request: Request,
  limit: number,
  body: RequestBody | null = request.body,
): Promise<unknown> {
  const type = (request.headers.get("content-type") ?? "").split(";")[0]?.trim().toLowerCase();
  if (type !== "application/json") {
    throw new WebhookError("malformedReview", "$", `content type \`${type}\` is not \`application/json\``);
  }
  const declared = Number(request.headers.get("content-length") ?? "0");
  if (declared > limit) throw tooLarge(limit);
  const text = body === null ? "" : await readText(body, limit);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new WebhookError("malformedReview", "$", "the body is not JSON", cause);
  }
}

async function readText(body: RequestBody, limit: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > limit) throw tooLarge(limit);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function tooLarge(limit: number): WebhookError {
  return new WebhookError("bodyTooLarge", "$", `the body is larger than ${limit} bytes`);
}
