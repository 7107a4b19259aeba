import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  createMessageConnection,
  type MessageConnection,
  StreamMessageReader,
  StreamMessageWriter,
} from "vscode-jsonrpc/node";
import { policyJsonSchema } from "../src/schema.ts";

// The schema in the hands of a real YAML language server, as editors start it.

const text = `apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata:
  name: signed
spec:
  rules:
    - name: check
      match: {}
      verifyImages:
        - imageReferences: ["*"]
          muta
`;

interface Completion {
  readonly items: readonly { readonly label: string }[];
}
interface Published {
  readonly uri: string;
}

const directory = mkdtempSync(join(tmpdir(), "assay-schema-"));
const schema = pathToFileURL(join(directory, "schema.json")).href;
const uri = pathToFileURL(join(directory, "policy.yaml")).href;
const yaml = { schemas: { [schema]: "*.yaml" }, completion: true, validate: true, hover: true };
const require = createRequire(import.meta.url);
const bin = require.resolve("yaml-language-server/bin/yaml-language-server");
const server = spawn(process.execPath, [bin, "--stdio"], { stdio: ["pipe", "pipe", "ignore"] });
let connection: MessageConnection;

beforeAll(async () => {
  writeFileSync(join(directory, "schema.json"), JSON.stringify(policyJsonSchema()));
  connection = createMessageConnection(
    new StreamMessageReader(server.stdout),
    new StreamMessageWriter(server.stdin),
  );
  connection.onRequest("workspace/configuration", () => [yaml, {}, {}, {}]);
  connection.onRequest("client/registerCapability", () => null);
  const judged = new Promise<void>((resolve) => {
    connection.onNotification("textDocument/publishDiagnostics", (published: Published) => {
      if (published.uri === uri) resolve();
    });
  });
  connection.listen();
  const capabilities = {
    workspace: { configuration: true },
    textDocument: { completion: { completionItem: {} } },
  };
  await connection.sendRequest("initialize", { processId: process.pid, rootUri: null, capabilities });
  await connection.sendNotification("initialized", {});
  await connection.sendNotification("workspace/didChangeConfiguration", { settings: { yaml } });
  await connection.sendNotification("textDocument/didOpen", {
    textDocument: { uri, languageId: "yaml", version: 1, text },
  });
  await judged;
}, 60_000);

afterAll(() => {
  connection.dispose();
  server.kill();
  rmSync(directory, { recursive: true });
});

describe("a YAML language server with the schema", () => {
  test("completes the fields of an entry", async () => {
    const position = { line: 10, character: 14 };
    const found = await connection.sendRequest<Completion>("textDocument/completion", {
      textDocument: { uri },
      position,
    });
    const labels = found.items.map((item) => item.label);
    expect(labels).toEqual(
      expect.arrayContaining(["mutateDigest", "attestors", "attestations", "skipImageReferences"]),
    );
    // Deprecated fields are not offered, and those that stand there already neither.
    expect(labels).not.toContain("key");
    expect(labels).not.toContain("imageReferences");
  });
  test("says what a field means", async () => {
    const position = { line: 9, character: 14 };
    const hover = await connection.sendRequest("textDocument/hover", { textDocument: { uri }, position });
    expect(JSON.stringify(hover)).toContain("Patterns of the images to verify");
  });
});
