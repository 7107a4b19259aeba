import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ROOT } from "./run-cli.ts";
import { runHere } from "./run-here.ts";

const tls = ["cert", "key"].flatMap((kind) => [
  `--tls-${kind}`,
  join(ROOT, `packages/webhook/testdata/first.${kind === "cert" ? "crt" : "key"}`),
]);

/** An empty cluster that counts the watches that are open, and a kubeconfig that leads to it. */
async function emptyCluster() {
  const counts = { open: 0, ever: 0, asked: 0 };
  const api = createServer((request, response) => {
    counts.asked++;
    if (request.url?.includes("watch=true") !== true) {
      response.end(JSON.stringify({ kind: "List", metadata: { resourceVersion: "1" }, items: [] }));
      return;
    }
    counts.open++;
    counts.ever++;
    response.on("close", () => counts.open--);
    response.flushHeaders();
  });
  await new Promise<void>((listening) => api.listen(0, "127.0.0.1", listening));
  const directory = mkdtempSync(join(tmpdir(), "assay-serve-cluster-"));
  onTestFinished(() => {
    api.closeAllConnections();
    api.close();
    rmSync(directory, { recursive: true });
  });
  const kubeconfig = join(directory, "kubeconfig");
  const config = {
    clusters: [
      {
        name: "c",
        cluster: {
          server: `http://127.0.0.1:${(api.address() as AddressInfo).port}`,
          "insecure-skip-tls-verify": true,
        },
      },
    ],
    users: [{ name: "u", user: {} }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  };
  writeFileSync(kubeconfig, JSON.stringify(config));
  return {
    counts,
    serve: (...args: string[]) => runHere(["serve", "--cluster", "--kubeconfig", kubeconfig, ...args]),
  };
}

// A watch that stays open keeps the process running: a Pod would hang instead of being started again.
test("a server that cannot start leaves no watch of the cluster open", async () => {
  const { counts, serve } = await emptyCluster();
  const { err, status } = await serve(...tls, "--trusted-root", "nowhere.json");
  expect(err).toContain("no file matches `nowhere.json`");
  expect(status).toBe(2);
  expect(counts.ever).toBeGreaterThan(0);
  await expect.poll(() => counts.open).toBe(0);
});

test("a server whose certificate is not named is refused before the cluster is asked", async () => {
  const { counts, serve } = await emptyCluster();
  const { err, status } = await serve();
  expect(err).toContain("give --tls-cert and --tls-key");
  expect(status).toBe(2);
  expect(counts.asked).toBe(0);
});
