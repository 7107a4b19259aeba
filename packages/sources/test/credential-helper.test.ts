import { spawnSync } from "node:child_process";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dockerConfigCredentials } from "@assay/sources/credentials";
import { describe, expect, onTestFinished, test } from "vitest";

const request = { registry: "registry.example.com", repository: "a", access: undefined };
const said = `{"Username":"u","Secret":"s"}`;

/** Credentials by a helper that is this shell script; `$PIDS` is where it writes down what it starts. */
async function helper(script: string) {
  const directory = await mkdtemp(join(tmpdir(), "assay-helper-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const [path, program, pids] = ["config.json", "docker-credential-test", "pids"].map((name) =>
    join(directory, name),
  ) as [string, string, string];
  await writeFile(path, JSON.stringify({ credsStore: "test" }));
  await writeFile(program, `#!/bin/sh\n${script}\n`);
  await chmod(program, 0o755);
  const env = { PATH: `${directory}:${process.env["PATH"]}`, PIDS: pids };
  const running = async (): Promise<readonly number[]> =>
    (await readFile(pids, "utf8")).trim().split("\n").map(Number).filter(isRunning);
  return { provider: dockerConfigCredentials({ path, env }), running };
}

/** A zombie has ended: in a container nobody may fetch what became of it. */
function isRunning(pid: number): boolean {
  const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" });
  return stdout.trim() !== "" && !stdout.trim().startsWith("Z");
}

describe.runIf(process.platform !== "win32")("a credential helper", () => {
  test.each([
    ["waits", "sleep 60"],
    ["does not heed SIGTERM", "trap '' TERM; while :; do sleep 0.1; done"],
    ["waits for something that it started", "sleep 60 & echo $! >>$PIDS; wait"],
    ["has ended, and left something that holds its output", "sleep 60 & echo $! >>$PIDS; exit 0"],
  ])("that %s is ended at the signal, with all that it started", async (_, script) => {
    const { provider, running } = await helper(`echo $$ >>$PIDS; ${script}`);
    const stopping = new AbortController();
    setTimeout(() => stopping.abort(new Error("stopped")), 200);
    const begun = performance.now();
    await expect(provider.find(request, { signal: stopping.signal })).rejects.toThrow("stopped");
    expect(performance.now() - begun).toBeLessThan(3000);
    await expect.poll(running).toEqual([]);
  });

  test("that leaves something in the background has answered when it ends", async () => {
    const { provider } = await helper(`echo '${said}'; sleep 5 & exit 0`);
    const begun = performance.now();
    const { signal } = new AbortController();
    expect(await provider.find(request, { signal })).toMatchObject({ credential: { username: "u" } });
    expect(performance.now() - begun).toBeLessThan(3000);
  });

  test("that talks without end is ended", async () => {
    const { provider, running } = await helper("echo $$ >>$PIDS; yes");
    const { signal } = new AbortController();
    await expect(provider.find(request, { signal })).rejects.toThrow("said more than 1048576 bytes");
    await expect.poll(running).toEqual([]);
  });
});
