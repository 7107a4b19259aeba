import { webhookConfigurations } from "@assay/webhook";
import { AssayError } from "../assay-error.ts";
import type { ContextFlags, SourceFlags } from "../flags/evaluation-flags.ts";
import { readTextFile } from "../inputs/input-files.ts";
import { openAssay } from "../open-assay.ts";
import type { Terminal } from "../terminal/terminal.ts";

/** Prints, as a JSON List for `kubectl apply`, what the API server has to be told for these policies. */
export async function printWebhooks(
  policies: readonly string[],
  flags: SourceFlags &
    ContextFlags & {
      readonly url: string;
      readonly tlsCert?: string;
      readonly exemptNamespace: readonly string[];
    },
  terminal: Terminal,
): Promise<void> {
  if (flags.tlsCert === undefined) {
    throw new AssayError("usage", "--print-webhooks needs the authority that the API server shall trust", {
      hint: "give it with --tls-cert: the certificate authority's PEM, or the certificate itself if it is self-signed",
    });
  }
  if (!/^https:\/\/[^/?#]/.test(flags.url) || !URL.canParse(flags.url)) {
    throw new AssayError("usage", `--print-webhooks \`${flags.url}\` is not a URL that an API server calls`, {
      hint: "give the address at which it reaches this webhook: https://10.0.0.5:8443",
    });
  }
  const caBundle = await readTextFile(flags.tlsCert, terminal.cwd);
  const assay = await openAssay(policies, flags, terminal);
  const items = webhookConfigurations(assay.policies, {
    client: { url: flags.url },
    caBundle,
    exemptNamespaces: flags.exemptNamespace,
  });
  terminal.out(`${JSON.stringify({ apiVersion: "v1", kind: "List", items }, null, 2)}\n`);
}
