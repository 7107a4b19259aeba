import { type JsonObject, PolicyError, parseDocuments } from "@assay/policy";
import { AssayError } from "../assay-error.ts";
import { isJsonObject, ownField } from "../json-object.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { eachInputFile, type InputFile, type InputLimits } from "./input-files.ts";

/** A Kubernetes object and the file it stands in. */
export interface FileObject {
  readonly file: string;
  readonly object: JsonObject;
}

/**
 * Reads Kubernetes objects from files, directories, globs or `-`; several documents and `List`s are unfolded.
 * Throws where a document is not YAML, no object with kind and name, or a list under another kind: nothing is passed over
 * in silence.
 */
export async function readObjects(
  patterns: readonly string[],
  terminal: Terminal,
): Promise<readonly FileObject[]> {
  const objects: FileObject[] = [];
  for await (const object of eachObject(patterns, terminal)) objects.push(object);
  return objects;
}

/** The same, file by file: for more objects than fit into memory. */
export async function* eachObject(
  patterns: readonly string[],
  terminal: Terminal,
  limits: InputLimits = {},
): AsyncGenerator<FileObject> {
  // kubectl applies whatever is in a directory: what is passed over here would run unseen.
  for await (const file of eachInputFile(patterns, terminal, { ...limits, passedOver: [".git"] })) {
    for (const object of documentsOf(file)) yield { file: file.file, object };
  }
}

function documentsOf({ file, text }: InputFile): readonly JsonObject[] {
  const { documents, diagnostics } = parseDocuments({ file, text });
  if (diagnostics.some((one) => one.severity === "error")) throw new PolicyError(diagnostics);
  const shown = file === "-" ? "standard input" : `\`${file}\``;
  if (documents.length === 0) throw new AssayError("invalidDocument", `${shown} holds no object`);
  return documents.map((document, i) => {
    const wrong = isJsonObject(document) ? whatIsWrong(document) : "is no object";
    if (isJsonObject(document) && wrong === undefined) return document;
    const where = documents.length > 1 ? `document ${i + 1} of ${shown}` : shown;
    throw new AssayError("invalidDocument", `${where} ${wrong}`, {
      hint: "a Kubernetes object has apiVersion, kind and metadata.name; a list's kind is `List`",
    });
  });
}

function whatIsWrong(document: JsonObject): string | undefined {
  const kind = ownField(document, "kind");
  if (typeof kind !== "string") return "has no `kind`";
  if (Array.isArray(ownField(document, "items")))
    return `is a \`${kind}\` with \`items\`, of which kubectl would apply those alone`;
  const metadata = ownField(document, "metadata");
  const name = isJsonObject(metadata)
    ? (ownField(metadata, "name") ?? ownField(metadata, "generateName"))
    : undefined;
  return typeof name === "string" ? undefined : "has no `metadata.name`";
}
