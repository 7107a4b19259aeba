import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import type { Handle, Mounted } from "./recipe.ts";

/** node:http (or node:https with your certificate): `@hono/node-server` turns a web handler into a listener. */
export async function mount(handle: Handle): Promise<Mounted> {
  const server = createServer(getRequestListener(handle));
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: async () => void server.close() };
}
