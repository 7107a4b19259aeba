import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "../workspace.ts";

/** What the image of `deploy/` runs, without a container around it. */
export interface Image {
  /** Its ENTRYPOINT, with this Node and the directory that the bundle is in. */
  readonly entrypoint: readonly string[];
  /** The same up to the command: `assay`, as it is there. */
  readonly assay: readonly string[];
  /** The environment that it gives. */
  readonly env: Readonly<Record<string, string>>;
}

/** Bundles the built packages of this repository into `directory`, as `deploy/Dockerfile` bundles installed ones. */
export function buildImage(directory: string): Image {
  const script = join(repository, "deploy/bundle.mts");
  execFileSync(process.execPath, [script, join(repository, "packages/assay"), directory], { stdio: "pipe" });
  const dockerfile = readFileSync(join(repository, "deploy/Dockerfile"), "utf8");
  const words = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(dockerfile)?.[1] ?? "[]") as readonly string[];
  const entrypoint = words.map((word) =>
    word === "node" ? process.execPath : word.replace(/^\/app(?=\/)/, directory),
  );
  const assay = entrypoint.slice(0, entrypoint.indexOf("serve"));
  return { entrypoint, assay, env: environment(dockerfile) };
}

function environment(dockerfile: string): Readonly<Record<string, string>> {
  const lines = [...dockerfile.matchAll(/^ENV (.*)$/gm)].map(([, line = ""]) => line);
  const pairs = lines.flatMap((line) => [...line.matchAll(/(\w+)=(?:"([^"]*)"|(\S+))/g)]);
  return Object.fromEntries(pairs.map(([, name = "", quoted, bare]) => [name, quoted ?? bare ?? ""]));
}
