import { describe, expect, onTestFinished, test } from "vitest";
import { type Answers, apiServer } from "../test/api-server.ts";
import { watchKind } from "./watched-kind.ts";

const kind = { apiVersion: "v1", kind: "ConfigMap", plural: "configmaps" };
const path = "/api/v1/configmaps";
const listOf = (...names: string[]) => ({
  metadata: { resourceVersion: "1" },
  items: names.map((name) => ({ metadata: { name, resourceVersion: "1" } })),
});

/** A watched kind whose lists are counted; what it said, and how often it changed. */
async function watching(answers: Answers = {}) {
  const lists: string[] = [];
  const api = await apiServer({
    [path]: () => {
      lists.push("listed");
      return listOf("old");
    },
    ...answers,
  });
  onTestFinished(api.close);
  const said: string[] = [];
  const log = (_: object, message: string): void => void said.push(message);
  let changes = 0;
  const logger = { info: log, warn: log, error: log };
  const watched = await watchKind(api.config, kind, () => void changes++, { logger });
  onTestFinished(watched.stop);
  await expect.poll(api.openWatches).toBe(1);
  const names = () => watched.list().map((one) => (one["metadata"] as { name: string }).name);
  return { api, watched, names, lists, said, changes: () => changes };
}

const event = (type: string, object: object) => `${JSON.stringify({ type, object })}\n`;

describe("a watch", () => {
  test("goes on from a bookmark, which is no object", async () => {
    const { api, names, lists, said, changes } = await watching();
    api.put({ kind: "ConfigMap", metadata: { name: "new" } });
    await expect.poll(names).toEqual(["old", "new"]);
    const before = changes();
    api.writeWatches(event("BOOKMARK", { kind: "ConfigMap", metadata: { resourceVersion: "2" } }));
    api.endWatches();
    // The version before it would bring `new` again.
    await expect.poll(api.openWatches).toBe(1);
    expect(names()).toEqual(["old", "new"]);
    expect(changes()).toBe(before);
    expect([lists.length, said]).toEqual([1, []]);
  });

  test("brings an event whole that arrives in parts, also where a letter is cut in two", async () => {
    const { api, watched, names, said } = await watching();
    const metadata = { name: "new", namespace: "a", resourceVersion: "2" };
    const line = Buffer.from(event("ADDED", { metadata, data: { key: "ключ" } }));
    const letter = line.indexOf("к") + 1;
    const next = event("ADDED", { metadata: { ...metadata, name: "next", resourceVersion: "3" } });
    for (const part of [line.subarray(0, 20), line.subarray(20, letter), line.subarray(letter)]) {
      api.writeWatches(part);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    api.writeWatches(`${next}\n${event("DELETED", { metadata: { name: "old", resourceVersion: "4" } })}`);
    await expect.poll(names).toEqual(["new", "next"]);
    expect(watched.get("new", "a")).toMatchObject({ kind: "ConfigMap", data: { key: "ключ" } });
    expect(said).toEqual([]);
  });

  test.each([
    ["that is forgotten is begun anew by a list, without a word", 410, []],
    ["that is refused is begun anew by a list, and that is told", 500, ["watch interrupted, trying again"]],
  ])("%s", async (_name, code, told) => {
    const { api, lists, said } = await watching();
    api.writeWatches(event("ERROR", { kind: "Status", code, message: "no" }));
    await expect.poll(() => lists.length).toBe(2);
    expect(said.slice(0, 1)).toEqual(told);
  });
});

describe("a list that is read again", () => {
  test.each<[string, () => object, number]>([
    ["as it was changes nothing", () => listOf("old"), 0],
    ["with another object changes what there is", () => listOf("old", "new"), 1],
    ["without one changes what there is", () => listOf(), 1],
    ["with another one in its place changes what there is", () => listOf("new"), 1],
    [
      "with another version of one changes what there is",
      () => ({ ...listOf(), items: [{ metadata: { name: "old", resourceVersion: "2" } }] }),
      1,
    ],
    ["without versions may have changed", () => ({ ...listOf(), items: [{ metadata: { name: "old" } }] }), 1],
  ])("%s", async (_name, second, expected) => {
    let next: () => object = () => listOf("old");
    let count = 0;
    const { api, changes } = await watching({
      [path]: () => {
        count++;
        return next();
      },
    });
    const before = changes();
    next = second;
    api.expireWatches();
    await expect.poll(() => count).toBe(2);
    await expect.poll(api.openWatches).toBe(1);
    expect(changes() - before).toBe(expected);
  });
});
