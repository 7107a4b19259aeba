interface Operation {
  readonly op: string;
  readonly path: string;
  readonly value?: unknown;
}

/** A copy of the document with a response's patch applied. Throws for a path that leads nowhere. */
export function patched<T extends object>(document: T, patch: string | undefined): T {
  const copy = structuredClone(document);
  if (patch === undefined) return copy;
  const operations: readonly Operation[] = JSON.parse(Buffer.from(patch, "base64").toString("utf8"));
  for (const operation of operations) apply(copy, operation);
  return copy;
}

function apply(document: object, { op, path, value }: Operation): void {
  const steps = path
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
  const last = steps.pop() ?? "";
  const parent = steps.reduce<unknown>((node, step) => (node as Node)?.[step], document);
  if (typeof parent !== "object" || parent === null) throw new Error(`the patch's ${path} leads nowhere`);
  if (Array.isArray(parent)) applyToList(parent, { op, path: last, value });
  else if (op === "remove") delete (parent as Node)[last];
  else (parent as Node)[last] = value;
}

type Node = Record<string, unknown>;

function applyToList(list: unknown[], { op, path, value }: Operation): void {
  const index = path === "-" ? list.length : Number(path);
  if (op === "remove") list.splice(index, 1);
  else if (op === "add") list.splice(index, 0, value);
  else list[index] = value;
}
