import { stat } from "node:fs/promises";
import { dirname, isAbsolute, relative, resolve, sep } from "node:path";
import { GLOB_SIGNS, readTextFile } from "../inputs/input-files.ts";
import { documentsOf } from "./document-reader.ts";
import { isTestDocument, readTestFile, type TestFile } from "./test-file.ts";

/** Directories to be watched: true, with everything below it. */
export type WatchedPlaces = ReadonlyMap<string, boolean>;

/**
 * Where everything stands that a run of tests reads: what was given, the test files found there, and what they name. Of a
 * file it is the directory, since editors put a new file in its place. What cannot be read has no places beside its own.
 */
export async function watchedPlaces(
  given: readonly string[],
  testFiles: readonly string[],
  cwd: string,
): Promise<WatchedPlaces> {
  const places = new Map<string, boolean>();
  const add = async (path: string): Promise<void> => {
    const isDirectory = await isDirectoryAt(path);
    const place = isDirectory ? path : dirname(path);
    places.set(place, isDirectory || places.get(place) === true);
  };
  for (const path of given) await add(resolve(cwd, path));
  for (const file of testFiles) {
    await add(resolve(cwd, file));
    for (const path of await namedIn(file, cwd)) await add(path);
  }
  return withoutInner(places);
}

/** What stands below a directory that is watched whole is watched with it. */
function withoutInner(places: WatchedPlaces): WatchedPlaces {
  const whole = [...places].flatMap(([place, isWhole]) => (isWhole ? [place] : []));
  return new Map([...places].filter(([place]) => !whole.some((outer) => isBelow(place, outer))));
}

function isBelow(place: string, outer: string): boolean {
  const way = relative(outer, place);
  return way !== "" && way.split(sep)[0] !== ".." && !isAbsolute(way);
}

async function isDirectoryAt(path: string): Promise<boolean> {
  return stat(path).then(
    (info) => info.isDirectory(),
    () => false,
  );
}

async function namedIn(file: string, cwd: string): Promise<readonly string[]> {
  try {
    const documents = documentsOf(file, await readTextFile(file, cwd));
    const named = documents.filter(isTestDocument).flatMap((document) => filesOf(readTestFile(document)));
    return named.map((path) => resolve(cwd, dirname(file), beforeGlob(path)));
  } catch {
    // The run tells what is wrong with it.
    return [];
  }
}

function filesOf(test: TestFile): readonly string[] {
  return [
    ...test.policies,
    ...test.resources,
    ...test.clusterResources,
    ...test.exceptions,
    ...[test.variables, test.userInfo, test.layout, test.trustedRoot],
    ...test.expectations.map(({ patchedResource }) => patchedResource),
  ].filter((path) => path !== undefined);
}

/** The directory in which a glob begins to search. */
function beforeGlob(path: string): string {
  const segments = path.split("/");
  const first = segments.findIndex((segment) => GLOB_SIGNS.test(segment));
  if (first < 0) return path;
  return first === 0 ? "." : segments.slice(0, first).join("/") || "/";
}
