import { EventEmitter } from "node:events";
import { writeFile } from "node:fs/promises";
import { PassThrough } from "node:stream";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { AssayError } from "../src/assay-error.ts";
import { commands } from "../src/commands/index.ts";
import { createProgram, describeError, runCommandLine } from "../src/terminal/command-line.ts";
import { plainText } from "../src/terminal/plain-text.ts";
import { processTerminal } from "../src/terminal/terminal.ts";
import { fakeTerminal } from "./fake-terminal.ts";
import { ROOT } from "./run-cli.ts";

async function assay(...args: string[]): Promise<{ status: number; out: string; err: string }> {
  const terminal = fakeTerminal({ cwd: "/" });
  const status = await runCommandLine(args, terminal, commands);
  return { status, ...terminal.printed };
}

test.each([["--help"], ["help"], ["--version"], ["rekor", "--help"]])("%s %s exits 0", async (...args) => {
  const { status, out, err } = await assay(...args);
  expect(status).toBe(0);
  expect(out).not.toBe("");
  expect(err).toBe("");
});

const NOW = "2026-11-23T12:00:00Z";
const program = createProgram({ terminal: fakeTerminal({ cwd: "/" }), finish: () => {} }, commands);
const everyCommand = program.commands.flatMap((command) => [
  [command.name()],
  ...command.commands
    .filter((child) => child.name() !== "help")
    .map((child) => [command.name(), child.name()]),
]);

test.each(everyCommand.map((path) => path.join(" ")).filter((path) => path !== "help"))(
  "the help of `assay %s` has examples and says what its exit status means",
  async (path) => {
    const { out: help } = await assay(...path.split(" "), "--help");
    expect(help).toContain("\nExamples:\n  ");
    expect(help).toContain("\nExit status: ");
  },
);

test.each<[string, string[], string[]]>([
  ["a port that is none", ["serve", "p.yaml", "--port", "abc"], ["--port `abc`", "0 to 65535"]],
  ["a scan interval that is none", ["serve", "--cluster", "--scan-interval", "0"], ["--scan-interval `0`"]],
  [
    "a kubeconfig that is missing",
    ["serve", "--cluster", "--kubeconfig", "/nowhere"],
    ["`/nowhere`", "--kubeconfig FILE"],
  ],
  ["a server's clock that stands still", ["serve", "p.yaml", "--now", NOW], ["--now", "by the clock"]],
  ["a deadline of a server", ["serve", "p.yaml", "--timeout", "5"], ["--timeout", "timeoutSeconds"]],
  ["a server that pins nothing", ["serve", "--cluster", "--no-mutate"], ["--no-mutate", "/validate"]],
  ["a file of exceptions from a cluster", ["serve", "--cluster", "--exception", "e.yaml"], ["--exception"]],
  ["ConfigMaps beside a cluster", ["serve", "--cluster", "--configmap", "c.yaml"], ["--configmap"]],
  ["the same of a scan", ["scan", "p.yaml", "--cluster", "--configmap", "c.yaml"], ["--configmap"]],
  ["a Lease without a cluster", ["serve", "p.yaml", "--leader-election-namespace", "a"], ["--cluster"]],
  ["namespaces of exceptions of files", ["serve", "p.yaml", "--exception-namespace", "a"], ["--cluster"]],
  ["an exempt namespace of a server", ["serve", "p.yaml", "--exempt-namespace", "a"], ["--print-webhooks"]],
  [
    "webhooks without a URL",
    ["serve", "p.yaml", "--print-webhooks", "10.0.0.5", "--tls-cert", "c"],
    ["`10.0.0.5`", "https://"],
  ],
  [
    "webhooks by http",
    ["serve", "p.yaml", "--print-webhooks", "http://a", "--tls-cert", "c"],
    ["`http://a`", "https://"],
  ],
  [
    "a code in the wrong case",
    ["explain", "NotSigned"],
    ["neither a code nor a file", "did you mean notSigned?"],
  ],
  ["no such code", ["explain", "nonsense"], ["neither a code nor a file", "notSigned"]],
  [
    "a record that is none",
    ["replay", fileURLToPath(import.meta.url)],
    ["command-line.test.ts", "is no record", "assay record"],
  ],
])("%s exits 2 and says what to do", async (_, args, said) => {
  const { status, err } = await assay(...args);
  expect(status).toBe(2);
  for (const part of said) expect(err).toContain(part);
  expect(err).not.toContain("internal error");
});

test("a file that cannot be written is named with the reason, not reported as a bug of ours", async () => {
  const error = await writeFile("/nowhere/at/all.json", "").catch((reason: unknown) => reason);
  expect(await describeError(error)).toBe("assay: open `/nowhere/at/all.json`: no such file or directory\n");
});

test("a flag that takes one value is not given two: neither is silently left out", async () => {
  const { status, err } = await assay("verify", "a.example/b", "--key", "a.pub", "--key", "b.pub");
  expect(status).toBe(2);
  expect(err).toContain("option '--key <file>' is given twice, and takes one value");
});

test("a misspelt command exits 2 and proposes the right one", async () => {
  const { status, err } = await assay("completoin");
  expect(status).toBe(2);
  expect(err).toContain("Did you mean completion?");
});

test("foreign text cannot paint over ours", () => {
  expect(plainText("a\u001b[2Kb\r\u009bc\u202ed\n")).toBe("a\\u001b[2Kb\\u000d\\u009bc\\u202ed\n");
});

test.each<[string, ...string[]]>([
  ["infer", "registry.example.com/signed:v1.2.3", "--layout", "examples/testdata/images"],
  ["test", "examples/03-policy-tests"],
  [
    "verify",
    ...["registry.example.com/signed:v1.2.3", "--layout", "examples/testdata/images"],
    ...["--certificate-identity", "a", "--certificate-oidc-issuer", "b"],
  ],
])("`assay %s` that is interrupted says so, and decides nothing", async (...args) => {
  const terminal = {
    ...fakeTerminal({ cwd: ROOT }),
    signal: AbortSignal.abort(new AssayError("usage", "interrupted")),
  };
  expect(await runCommandLine(args, terminal, commands)).toBe(2);
  expect(terminal.printed).toEqual({ out: "", err: "assay: interrupted\n" });
});

test("Ctrl-C ends a command that waits for standard input", async () => {
  const process = Object.assign(new EventEmitter(), {
    ...{ stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() },
    ...{ env: {}, cwd: () => ROOT },
  });
  const ended = runCommandLine(["lint", "-"], processTerminal(process as never), commands);
  setTimeout(() => process.emit("SIGINT"), 20);
  expect(await ended).toBe(2);
  expect(String(process.stderr.read())).toBe("assay: interrupted\n");
  // An open pipe would keep the process.
  expect(process.stdin.destroyed).toBe(true);
});

test("a mistake of ours keeps its stack, also where Node gives it a code", async () => {
  const bug = Object.assign(new TypeError("the argument must be text"), { code: "ERR_INVALID_ARG_TYPE" });
  expect(await describeError(bug)).toContain("internal error, please report it");
  expect(await describeError(new AssayError("usage", "give a file"))).toBe("assay: give a file\n");
});
