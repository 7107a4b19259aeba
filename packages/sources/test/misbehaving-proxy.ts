import { createServer, request as forward, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Writable } from "node:stream";
import { gzipSync } from "node:zlib";

/** What the proxy does to requests whose path matches. */
export type Misdeed =
  | {
      readonly kind:
        | "drop"
        | "hang"
        | "slowDrip"
        | "endless"
        | "gzipBomb"
        | "flipBit"
        | "paginationLoop"
        | "emptyPages";
    }
  | { readonly kind: "status"; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  | { readonly kind: "truncate"; readonly honest: boolean }
  | { readonly kind: "html"; readonly body?: string }
  /** What is written on the socket, and then over and over. */
  | { readonly kind: "raw"; readonly head: string; readonly forEver?: string }
  | { readonly kind: "contentType"; readonly type: string }
  | { readonly kind: "headers"; readonly headers: Readonly<Record<string, string>> }
  | { readonly kind: "redirect"; readonly to: (path: string) => string };

export interface MisbehavingProxy {
  readonly host: string;
  /** `METHOD path` of each request, in order. */
  readonly requests: readonly { readonly path: string; readonly headers: IncomingMessage["headers"] }[];
  /** `times`: after so many misdeeds it behaves. */
  misbehave(path: RegExp, misdeed: Misdeed, times?: number): void;
  behave(): void;
  close(): Promise<void>;
}

const gzipBomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, " "));

interface Rule {
  readonly path: RegExp;
  readonly misdeed: Misdeed;
  left: number;
}

/** A proxy on loopback in front of a registry, over real sockets. Behaves until told otherwise. */
export async function misbehavingProxy(upstream: string): Promise<MisbehavingProxy> {
  const rules: Rule[] = [];
  const requests: { path: string; headers: IncomingMessage["headers"] }[] = [];
  const server = createServer((incoming, outgoing) => {
    const path = incoming.url ?? "/";
    requests.push({ path, headers: incoming.headers });
    const rule = rules.find((one) => one.left > 0 && one.path.test(path));
    if (rule !== undefined) rule.left--;
    pass(upstream, incoming, outgoing, rule?.misdeed).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    misbehave: (path, misdeed, times = Number.POSITIVE_INFINITY) =>
      void rules.push({ path, misdeed, left: times }),
    behave: () => void rules.splice(0),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function pass(
  upstream: string,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  misdeed: Misdeed | undefined,
): Promise<void> {
  switch (misdeed?.kind) {
    case "drop":
      outgoing.destroy();
      return;
    case "hang":
      return;
    case "status":
      outgoing.writeHead(misdeed.status, misdeed.headers ?? {}).end();
      return;
    case "html":
      outgoing
        .writeHead(200, { "content-type": "text/html" })
        .end(misdeed.body ?? "<html>Please log in</html>");
      return;
    case "redirect":
      outgoing.writeHead(307, { location: misdeed.to(incoming.url ?? "/") }).end();
      return;
    case "endless":
      outgoing.writeHead(200, { "content-type": "application/vnd.oci.image.index.v1+json" });
      pourForever(outgoing, Buffer.alloc(64 * 1024, " "));
      return;
    case "raw":
      incoming.socket.on("error", () => undefined).write(misdeed.head);
      if (misdeed.forEver !== undefined) pourForever(incoming.socket, Buffer.from(misdeed.forEver));
      return;
    case "slowDrip":
      outgoing.writeHead(200, { "content-type": "application/vnd.oci.image.manifest.v1+json" });
      outgoing.write("{");
      return;
    default:
      return passChanged(await ask(upstream, incoming), incoming, outgoing, misdeed);
  }
}

function passChanged(
  answer: { readonly status: number; readonly headers: IncomingMessage["headers"]; readonly body: Buffer },
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  misdeed: Misdeed | undefined,
): void {
  const { status, headers, body } = answer;
  const rest = Object.fromEntries(
    Object.entries(headers).filter(
      ([name]) => !/^(?:content-length|transfer-encoding|connection)$/.test(name),
    ),
  );
  switch (misdeed?.kind) {
    case "gzipBomb": {
      outgoing.writeHead(status, { ...rest, "content-encoding": "gzip" }).end(gzipBomb);
      return;
    }
    case "flipBit": {
      const changed = Buffer.from(body);
      // A digit of the schema version or of the payload: still text, other bytes.
      changed[changed.length - 3] = (changed[changed.length - 3] ?? 0) ^ 1;
      outgoing.writeHead(status, rest).end(changed);
      return;
    }
    case "truncate": {
      const half = body.subarray(0, body.length / 2);
      const length = misdeed.honest ? half.length : body.length;
      outgoing.writeHead(status, { ...rest, "content-length": length });
      outgoing.write(half, () => (misdeed.honest ? outgoing.end() : outgoing.destroy()));
      return;
    }
    case "contentType":
      outgoing.writeHead(status, { ...rest, "content-type": misdeed.type }).end(body);
      return;
    case "headers":
      outgoing.writeHead(status, { ...rest, ...misdeed.headers }).end(body);
      return;
    case "paginationLoop":
      outgoing.writeHead(status, { ...rest, link: `<${incoming.url}>; rel="next"` }).end(body);
      return;
    case "emptyPages": {
      const [path, query = "n=0"] = (incoming.url ?? "").split("?");
      const next = `${path}?n=${Number(query.slice(2)) + 1}`;
      const page = { schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: [] };
      outgoing.writeHead(status, { ...rest, link: `<${next}>; rel="next"` }).end(JSON.stringify(page));
      return;
    }
    default:
      outgoing.writeHead(status, rest).end(body);
  }
}

function pourForever(to: Writable, chunk: Uint8Array): void {
  const pour = (): void => {
    while (!to.destroyed && to.write(chunk));
    if (!to.destroyed) to.once("drain", pour);
  };
  pour();
}

function ask(
  upstream: string,
  incoming: IncomingMessage,
): Promise<{ status: number; headers: IncomingMessage["headers"]; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const { host: _, ...headers } = incoming.headers;
    const sent = forward(
      `http://${upstream}${incoming.url}`,
      { method: incoming.method, headers },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("error", reject);
        answer.on("end", () =>
          resolve({ status: answer.statusCode ?? 500, headers: answer.headers, body: Buffer.concat(chunks) }),
        );
      },
    );
    sent.on("error", reject);
    incoming.pipe(sent);
  });
}
