import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import type { Handle, Mounted } from "./recipe.ts";

/** Hono speaks the web's Request and Response already. */
export async function mount(handle: Handle): Promise<Mounted> {
  const app = new Hono();
  app.post("/mutate", (context) => handle(context.req.raw));
  const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 });
  await new Promise<void>((ready) => server.once("listening", ready));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: async () => void server.close() };
}
