import { appendFile, mkdtemp, readdir, readFile, readlink, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileJournal, queuedScan, type ScanOutcome, scan, scanWorker } from "@assay/sources/fleet";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "assay-scan-"));
});
afterEach(() => rm(directory, { recursive: true }));

const { signal } = new AbortController();
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);
const key = (item: number) => `image-${item}`;
const square = async (item: number) => item * item;

describe("a scan", () => {
  test("judges every item once and tells each outcome", async () => {
    const outcomes: ScanOutcome<number>[] = [];
    const onOutcome = (outcome: ScanOutcome<number>) => void outcomes.push(outcome);
    const progress = await scan({ items: numbers(1000), key, evaluate: square, onOutcome, signal });
    expect(progress).toEqual({ done: 1000, resumed: 0, failed: 0 });
    expect(new Map(outcomes.map((one) => [one.key, "result" in one && one.result])).get("image-30")).toBe(
      900,
    );
    expect(outcomes).toHaveLength(1000);
  });

  test("has no more under way than its limit, and reads no further ahead", async () => {
    let [running, most, read] = [0, 0, 0];
    async function* items() {
      for (const item of numbers(200)) {
        read++;
        yield item;
      }
    }
    const evaluate = async (item: number) => {
      most = Math.max(most, ++running);
      expect(read).toBeLessThanOrEqual(item + 8);
      await new Promise(setImmediate);
      running--;
    };
    await scan({ items: items(), key, evaluate, concurrency: 7, signal });
    expect(most).toBe(7);
  });

  test("goes on after an item that cannot be evaluated, and tells why", async () => {
    const outcomes: ScanOutcome<number>[] = [];
    const evaluate = async (item: number) => {
      if (item === 2) throw new Error("no such thing");
      return item;
    };
    const progress = await scan({
      items: numbers(5),
      key,
      evaluate,
      onOutcome: (one) => void outcomes.push(one),
      signal,
    });
    expect(progress).toEqual({ done: 5, resumed: 0, failed: 1 });
    expect(outcomes).toContainEqual({ key: "image-2", error: "no such thing" });
  });

  test("judges one of equal items that are under way together", async () => {
    let judged = 0;
    const evaluate = async () => {
      judged++;
      await new Promise(setImmediate);
    };
    await scan({ items: [1, 1, 1, 1], key, evaluate, signal });
    expect(judged).toBe(1);
  });

  test("that is stopped goes on where it was", async () => {
    const path = join(directory, "journal");
    const controller = new AbortController();
    const journal = await fileJournal<number>(path);
    const onProgress = ({ done }: { done: number }) => {
      if (done === 40) controller.abort(new Error("stopped"));
    };
    const options = { items: numbers(100), key, evaluate: square, concurrency: 4 };
    await expect(scan({ ...options, journal, onProgress, signal: controller.signal })).rejects.toThrow(
      "stopped",
    );
    await journal.close();
    const second = await fileJournal<number>(path);
    const progress = await scan({ ...options, journal: second, signal });
    await second.close();
    expect(progress.resumed).toBeGreaterThanOrEqual(40);
    expect(progress.resumed + progress.done).toBe(100);
    const lines = (await readFile(path, "utf8"))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(new Set(lines.map((line) => line.key)).size).toBe(100);
    expect(lines).toHaveLength(100);
  });
});

test("a scan ends when it is stopped, also while nothing comes of where its items come from", async () => {
  async function* items() {
    yield 1;
    await new Promise(() => undefined);
  }
  const stopped = AbortSignal.timeout(20);
  await expect(scan({ items: items(), key, evaluate: square, signal: stopped })).rejects.toThrow("timeout");
});

describe("a journal", () => {
  test.runIf(process.platform === "linux")("that could not be written is closed all the same", async () => {
    const path = join(directory, "journal");
    const journal = await fileJournal<bigint>(path);
    // JSON has no such numbers.
    await expect(journal.add({ key: "a", result: 1n })).rejects.toThrow("BigInt");
    await expect(journal.close()).rejects.toThrow("BigInt");
    const open = await readdir("/proc/self/fd");
    const targets = await Promise.all(open.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => "")));
    expect(targets).not.toContain(path);
  });

  test("drops a line that a crash cut off, and keeps the rest", async () => {
    const path = join(directory, "journal");
    const first = await fileJournal<number>(path);
    await first.add({ key: "a", result: 1 });
    await first.add({ key: "b", error: "try again" });
    await first.close();
    await appendFile(path, '{"key":"c","res');
    const second = await fileJournal<number>(path);
    expect(["a", "b", "c"].map((one) => second.has(one))).toEqual([true, false, false]);
    await second.add({ key: "d", result: 4 });
    await second.close();
    expect((await readFile(path, "utf8")).trim().split("\n")).toEqual([
      '{"key":"a","result":1}',
      '{"key":"b","error":"try again"}',
      '{"key":"d","result":4}',
    ]);
  });

  test("judges a last line anew that no end of line vouches for", async () => {
    const path = join(directory, "journal");
    await writeFile(path, '{"key":"a","result":1}\n{"key":"b","result":2}');
    const journal = await fileJournal<number>(path);
    expect(["a", "b"].map((one) => journal.has(one))).toEqual([true, false]);
    await journal.add({ key: "b", result: 2 });
    await journal.close();
    expect(await readFile(path, "utf8")).toBe('{"key":"a","result":1}\n{"key":"b","result":2}\n');
  });

  test("is asked which of its outcomes hold: the items of others are judged again", async () => {
    const path = join(directory, "journal");
    const lines = [
      { key: "a", result: 1 },
      { key: "b", result: 2 },
      { key: "b", result: 3 },
      { key: "a", result: 4 },
      { key: "c", error: "try again" },
    ];
    await writeFile(path, `${lines.map((line) => JSON.stringify(line)).join("\n")}\n`);
    const seen: unknown[] = [];
    const journal = await fileJournal<number>(path, {
      reuse: async (outcome) => {
        seen.push("result" in outcome ? outcome.result : outcome.error);
        return !("result" in outcome) || outcome.result !== 2;
      },
    });
    await journal.close();
    // Of what is done, no more is asked.
    expect(seen).toEqual([1, 2, 3, "try again"]);
    expect(["a", "b", "c"].map((one) => journal.has(one))).toEqual([true, true, false]);
    const none = await fileJournal<number>(path, { reuse: () => false });
    await none.close();
    expect(["a", "b", "c"].map((one) => none.has(one))).toEqual([false, false, false]);
  });

  test.each([
    ["a directory", () => directory],
    ["a device", () => "/dev/zero"],
  ])("is a file, and %s is none", async (_, path) => {
    await expect(fileJournal(path())).rejects.toThrow("is no journal of a scan: it is no file");
  });

  test("has no line that does not end", async () => {
    const path = join(directory, "journal");
    await writeFile(path, Buffer.alloc(17 * 1024 * 1024));
    await expect(fileJournal(path)).rejects.toThrow("a line of it does not end");
  });

  test("that is none is refused at the line, with what to do", async () => {
    const path = join(directory, "journal");
    await writeFile(path, '{"key":"a","result":1}\ngarbage\n{"key":"b","result":2}\n');
    await expect(fileJournal(path)).rejects.toThrow("line 2 is none of its lines; name another file");
  });

  test.each(["these are\nmy notes\n", "one line", '{"key":"a","result":1}\nnotes\n', '{"keys":[]}'])(
    "is not mixed up with another file: %j",
    async (content) => {
      const path = join(directory, "notes.txt");
      await writeFile(path, content);
      await expect(fileJournal(path)).rejects.toThrow("is no journal of a scan");
      expect(await readFile(path, "utf8")).toBe(content);
    },
  );
});

test.each(["127.0.0.1:6379", "http://127.0.0.1", ""])("%j is no Redis", async (redis) => {
  await expect(queuedScan({ redis, items: [], key, signal })).rejects.toThrow("is no address of a Redis");
  await expect(scanWorker({ redis, evaluate: square })).rejects.toThrow("is no address of a Redis");
});
