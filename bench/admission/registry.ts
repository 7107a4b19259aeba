import { spawn } from "node:child_process";
import { createInterface } from "node:readline/promises";
import type { Owned } from "../../packages/conformance/src/lanes/cluster/owned.ts";

/** The registry that all peers ask: a process of its own, so that its work is not the load client's. */
export interface Registry {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** The public key by which its images are signed. */
  readonly pem: string;
  /** The digest of its `acme/key-ecdsa:v1`. */
  readonly digest: string;
  /** Requests since the last time this was asked. */
  requests(): Promise<number>;
}

/** Starts it with so many images of each kind that nobody has met. */
export async function startRegistry(owned: Owned, images: { cold: number; late: number }): Promise<Registry> {
  const script = new URL("registry-process.ts", import.meta.url).pathname;
  const args = ["--conditions=assay:source", script, String(images.cold), String(images.late)];
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  owned.atEnd(() => void child.kill("SIGKILL"));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error("the registry ended");
    return value;
  };
  const { port, pem, digest } = JSON.parse(await next()) as { port: number; pem: string; digest: string };
  return {
    host: `127.0.0.1:${port}`,
    pem,
    digest,
    requests: async () => {
      child.stdin.write("\n");
      return Number(await next());
    },
  };
}
