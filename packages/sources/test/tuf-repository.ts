import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createTufRepository, type PublishOptions, type TufRepository } from "@assay/testkit/parts";

/** A TUF repository on loopback whose operator we are, honest or not. */
export interface TestTufRepository extends Pick<TufRepository, "root" | "files" | "rotateRoot"> {
  readonly url: string;
  /** Paths asked for, in order. */
  readonly requests: string[];
  /** Called before a request is answered. */
  beforeAnswer: (path: string) => Promise<void>;
  /** Publishes a new version of everything. */
  publish(trustedRoot: string, options?: PublishOptions): void;
  /** No more answers. */
  goDown(): void;
  close(): Promise<void>;
}

export async function tufRepository(): Promise<TestTufRepository> {
  const { publish, ...rest } = createTufRepository();
  const requests: string[] = [];
  let down = false;
  const server = createServer(async (incoming, outgoing) => {
    const path = (incoming.url ?? "/").slice(1);
    requests.push(path);
    await repository.beforeAnswer(path);
    if (down) return void outgoing.destroy();
    const file = rest.files.get(path);
    outgoing.writeHead(file === undefined ? 404 : 200).end(file);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const repository: TestTufRepository = {
    ...rest,
    beforeAnswer: async () => undefined,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    publish: (trustedRoot, options) =>
      publish({ "trusted_root.json": { bytes: Buffer.from(trustedRoot) } }, options),
    goDown: () => {
      down = true;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return repository;
}
