import { Buffer } from "node:buffer";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { commands } from "../src/commands/index.ts";
import { rekorEntryAt } from "../src/rekor-search.ts";
import { runCommandLine } from "../src/terminal/command-line.ts";
import { fakeTerminal } from "./fake-terminal.ts";

const UUID = `108e9186e8c5677a${"ab".repeat(32)}`;
const KNOWN = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";
const BODY = {
  kind: "hashedrekord",
  spec: {
    data: { hash: { algorithm: "sha256", value: KNOWN } },
    signature: {
      publicKey: {
        content: Buffer.from("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----").toString("base64"),
      },
    },
  },
};
const ENTRY = {
  [UUID]: {
    body: Buffer.from(JSON.stringify(BODY)).toString("base64"),
    integratedTime: 1763900000,
    logIndex: 42,
  },
};

let server: Server;
let cwd = "";
let url = "";

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "assay-rekor-"));
  await writeFile(join(cwd, "foo"), "foo");
  await writeFile(
    join(cwd, "bundle.json"),
    JSON.stringify({ verificationMaterial: { tlogEntries: [{ logIndex: "42" }] } }),
  );
  server = createServer((request, response) => {
    let sent = "";
    request.on("data", (chunk) => {
      sent += chunk;
    });
    request.on("end", () => {
      if (request.url?.startsWith("/down")) response.writeHead(503).end();
      else if (request.url === "/api/v1/index/retrieve")
        response.end(JSON.stringify(sent.includes(KNOWN) ? [UUID, "../evil"] : []));
      else if (
        request.url === `/api/v1/log/entries/${UUID}` ||
        request.url === "/api/v1/log/entries?logIndex=42"
      )
        response.end(JSON.stringify(ENTRY));
      else if (request.url === "/odd/api/v1/log/entries?logIndex=42")
        response.end(JSON.stringify({ [UUID]: { ...ENTRY[UUID], integratedTime: 1e20 } }));
      else response.writeHead(404).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address() as AddressInfo;
  url = `http://127.0.0.1:${address.port}`;
});
afterAll(async () => {
  server.close();
  await rm(cwd, { recursive: true });
});

async function search(...args: string[]): Promise<{ status: number; out: string; err: string }> {
  const terminal = fakeTerminal({ cwd });
  const status = await runCommandLine(["rekor", "search", ...args], terminal, commands);
  return { status, ...terminal.printed };
}

test.each([
  [["--sha", KNOWN]],
  [["--sha", `sha256:${KNOWN.toUpperCase()}`]],
  [["--signature", "foo"]],
  [["--signature", "bundle.json"]],
])("%j finds the entry and says what it is about", async (args) => {
  const { status, out } = await search(...args, "--rekor-url", url);
  expect(out).toContain("entry 42 (hashedrekord)");
  expect(out).toContain(`about   sha256:${KNOWN}`);
  expect(out).toContain("signer  key sha256:");
  expect(status).toBe(0);
});

test("a digest that the log does not know exits 1 and says what cosign logs", async () => {
  const { status, out } = await search("--sha", "0".repeat(64), "--rekor-url", url);
  expect(status).toBe(1);
  expect(out).toContain("which is not the image's digest");
});

test.each([
  [["--sha", "abc"], "`abc` is not a SHA-256 digest"],
  [[], "give either --sha or --signature"],
  [["--sha", KNOWN, "--rekor-url", "rekor"], "is not a URL"],
  [["--signature", "nothing"], "no file matches `nothing`"],
])("%j exits 2: %s", async (args, message) => {
  const { status, err } = await search(...args);
  expect(err).toContain(message);
  expect(status).toBe(2);
});

test("a log that is down exits 2 with its name, not `nothing found`", async () => {
  const { status, err } = await search("--sha", KNOWN, "--rekor-url", `${url}/down`);
  expect(err).toContain(`transparency log \`${new URL(url).host}\` answered HTTP 503`);
  expect(status).toBe(2);
});

test("a log that says a time which is none is not believed, and no mistake of ours", async () => {
  const findings = await rekorEntryAt(42, { url: `${url}/odd` });
  expect(findings.entries).toMatchObject([{ logIndex: 42, integratedTime: "unknown" }]);
});
