/**
 * The body of a request, or undefined where it is over `limit`: then the rest of it is not read. (Cancelling it would end the
 * connection before the refusal is sent.)
 */
export async function readRequest(request: Request, limit: number): Promise<Uint8Array | undefined> {
  const reader = request.body?.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const chunk = await reader?.read();
    if (chunk === undefined || chunk.done) return new Uint8Array(Buffer.concat(chunks));
    size += chunk.value.length;
    if (size > limit) {
      reader?.releaseLock();
      return undefined;
    }
    chunks.push(chunk.value);
  }
}
