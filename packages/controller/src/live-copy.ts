import type { JsonObject } from "@assay/policy";
import { refusalOf } from "./api-answer.ts";
import { type Kind, listPages, pathOf } from "./list-pages.ts";
import { metadataOf } from "./policy-documents.ts";
import type { RawApi } from "./raw-api.ts";

/** All objects of one kind, as they were seen last. */
export interface LiveCopy {
  list(): readonly JsonObject[];
  get(name: string, namespace?: string): JsonObject | undefined;
  /** Takes over a whole list, all at once. Resolves with its version, and whether anything is other than before. */
  refresh(): Promise<{ readonly version: string; readonly isChanged: boolean }>;
  /**
   * Takes over what happens after `version` until the watch ends, and calls `changed` after each change. Resolves with the
   * version to go on from; undefined where the API server has forgotten so much that only a list tells what there is.
   */
  follow(version: string, changed: () => void): Promise<string | undefined>;
}

/** An empty copy. Whatever it waits for ends with the signal's reason, and nothing changes from then on. */
export function liveCopy(api: RawApi, kind: Kind, signal: AbortSignal): LiveCopy {
  let objects = new Map<string, JsonObject>();
  return {
    list: () => [...objects.values()],
    get: (name, namespace = "") => objects.get(`${namespace}/${name}`),
    refresh: async () => {
      const listed = new Map<string, JsonObject>();
      let version = "";
      for await (const { items, resourceVersion } of listPages(api, { ...kind, signal })) {
        for (const item of items) listed.set(keyOf(item), item);
        version = resourceVersion;
      }
      const isChanged = !isSame(objects, listed);
      objects = listed;
      return { version, isChanged };
    },
    follow: async (from, changed) => {
      let version = from;
      const query = { resourceVersion: from, allowWatchBookmarks: "true" };
      for await (const event of api.watch({ path: pathOf(kind), query, signal })) {
        const object = (event["object"] ?? {}) as JsonObject;
        const { type } = event;
        if (type === "ERROR" && object["code"] === 410) return undefined;
        if (type === "ERROR") throw refusalOf(Number(object["code"]), pathOf(kind), JSON.stringify(object));
        version = metadataOf(object).resourceVersion ?? "";
        if (type === "BOOKMARK") continue;
        if (type === "DELETED") objects.delete(keyOf(object));
        else objects.set(keyOf(object), { ...object, apiVersion: kind.apiVersion, kind: kind.kind });
        changed();
      }
      return version;
    },
  };
}

function isSame(before: ReadonlyMap<string, JsonObject>, now: ReadonlyMap<string, JsonObject>): boolean {
  const versionIn = (objects: ReadonlyMap<string, JsonObject>, key: string): string | undefined => {
    const found = objects.get(key);
    return found && metadataOf(found).resourceVersion;
  };
  const keys = [...now.keys()];
  return (
    before.size === now.size &&
    keys.every((key) => {
      const version = versionIn(now, key);
      return version !== undefined && version === versionIn(before, key);
    })
  );
}

/** What has no name is no object: taken for one it would stand where none is. */
function keyOf(object: JsonObject): string {
  const { name, namespace = "" } = metadataOf(object);
  if (name === undefined) throw new Error("the API server answered with an object without a name");
  return `${namespace}/${name}`;
}
