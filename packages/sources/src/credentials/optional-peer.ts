import { SourceError } from "../source-error.ts";

/**
 * Loads a package that is installed only where it is needed. Throws `unsupported` with what to install.
 * The name is no literal where it is imported, so bundlers leave it alone.
 */
export async function optionalPeer(name: string, purpose: string): Promise<unknown> {
  try {
    return await import(name);
  } catch (cause) {
    const missing = cause instanceof Error && "code" in cause && cause.code === "ERR_MODULE_NOT_FOUND";
    const why = missing ? `run \`npm install ${name}\`` : `it cannot be loaded: ${String(cause)}`;
    throw new SourceError("unsupported", `${purpose} needs the package \`${name}\`: ${why}`, {
      origin: name,
      cause,
    });
  }
}
