import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import express from "express";
import type { Handle, Mounted } from "./recipe.ts";

/** Express: mount the listener before any body parser, the handler reads (and limits) the body itself. */
export async function mount(handle: Handle): Promise<Mounted> {
  const app = express();
  app.post("/mutate", getRequestListener(handle));
  const server = app.listen(0, "127.0.0.1");
  await new Promise<void>((ready) => server.once("listening", ready));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: async () => void server.close() };
}
