import fastify from "fastify";
import type { Handle, Mounted } from "./recipe.ts";

/** Fastify has parsed the body already (up to its own `bodyLimit`): hand it on as text. */
export async function mount(handle: Handle): Promise<Mounted> {
  const app = fastify({ bodyLimit: 8 * 1024 * 1024 });
  app.post("/mutate", async ({ url, body }, reply) => {
    const headers = { "content-type": "application/json" };
    const request = new Request(`https://webhook${url}`, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
    });
    return reply.send(await handle(request));
  });
  return {
    url: await app.listen({ host: "127.0.0.1", port: 0 }),
    close: async () => void (await app.close()),
  };
}
