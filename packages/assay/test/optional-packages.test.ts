import { expect, test } from "vitest";
import { runCli } from "./run-cli.ts";

/** Makes Node find no package of these names, as where they are not installed. */
function without(names: readonly string[]): Readonly<Record<string, string>> {
  const hooks = `
    import { registerHooks } from "node:module";
    const missing = ${JSON.stringify(names)};
    registerHooks({
      resolve(specifier, context, next) {
        if (!missing.includes(specifier)) return next(specifier, context);
        throw Object.assign(new Error("Cannot find package"), { code: "ERR_MODULE_NOT_FOUND" });
      },
    });`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hooks)}` };
}

test.each<readonly [string, readonly string[], readonly string[], string]>([
  [
    "serve",
    ["serve", "--cluster"],
    ["@assay/controller"],
    "npm install @assay/controller @kubernetes/client-node",
  ],
  [
    "serve",
    ["serve", "--cluster"],
    ["@kubernetes/client-node"],
    "npm install @assay/controller @kubernetes/client-node",
  ],
  [
    "scan",
    ["scan", "p.yaml", "--cluster"],
    ["@kubernetes/client-node"],
    "npm install @kubernetes/client-node",
  ],
])(
  "`assay %s --cluster` without its optional packages says which to install",
  async (_, args, names, hint) => {
    const { status, err } = await runCli(args, { env: without(names) });
    expect(err).toContain("--cluster needs the package");
    expect(err).toContain(hint);
    expect(status).toBe(2);
  },
);

test.each([["serve"], ["scan"]])(
  "`assay %s --cluster` without a cluster says how to name one",
  async (name) => {
    const { status, err } = await runCli([name, ...(name === "scan" ? ["p.yaml"] : []), "--cluster"]);
    expect(err).toContain("no kubeconfig names one");
    expect(err).toContain("set KUBECONFIG");
    expect(status).toBe(2);
  },
);
