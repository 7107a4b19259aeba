import { stat } from "node:fs/promises";
import { SourceError } from "../source-error.ts";
import { directoryFiles, type LayoutFiles } from "./layout-files.ts";
import { tarFiles } from "./tar-files.ts";

/** The files of the layout at `path`, a directory or a tar file. Throws `unavailable` where there is neither. */
export async function openLayout(path: string): Promise<LayoutFiles> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new SourceError("unavailable", `there is no OCI layout at \`${path}\``, { origin: path, cause });
  });
  return found.isDirectory() ? directoryFiles(path) : tarFiles(path);
}
