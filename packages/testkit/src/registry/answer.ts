/** An OCI distribution error body. */
export function refusal(
  status: number,
  code: string,
  message: string,
  headers?: Record<string, string>,
): Response {
  return json(status, { errors: [{ code, message }] }, headers);
}

/** What is refused for its size is not read: the connection ends with it. */
export function tooLarge(what: string): Response {
  return refusal(413, "SIZE_INVALID", `${what} too large`, { connection: "close" });
}

/** A JSON answer with its length stated. */
export function json(status: number, value: unknown, headers: Record<string, string> = {}): Response {
  return bytes(status, new TextEncoder().encode(JSON.stringify(value)), {
    "content-type": "application/json",
    ...headers,
  });
}

/** An answer of exactly these bytes, with their length stated. */
export function bytes(status: number, body: Uint8Array, headers: Record<string, string> = {}): Response {
  return new Response(new Uint8Array(body), {
    status,
    headers: { "content-length": String(body.length), ...headers },
  });
}

/** An answer without a body. */
export function empty(status: number, headers: Record<string, string> = {}): Response {
  return new Response(null, { status, headers });
}
