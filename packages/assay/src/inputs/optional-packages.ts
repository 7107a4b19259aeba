import { AssayError } from "../assay-error.ts";

/** What `load` imports for `--cluster` from packages that are installed only where it is used; says what to install if it cannot. */
export async function optionalPackages<T>(names: readonly string[], load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    const which = names.length === 1 ? "package" : "packages";
    throw new AssayError("usage", `--cluster needs the ${which} ${names.join(" and ")}`, {
      hint: `npm install ${names.join(" ")}`,
      cause,
    });
  }
}
