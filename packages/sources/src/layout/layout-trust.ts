import type { Answer, TrustSource } from "@assay/engine";
import { failureOf, SourceError } from "../source-error.ts";
import { trustedRootText } from "../trust/trusted-root-text.ts";
import { trustRootFile } from "./export-layout.ts";
import { openLayout } from "./open-layout.ts";

const maxBytes = 4 * 1024 * 1024;

/** The trust root that was exported with a layout (directory or tar file). It answers for every name. */
export function layoutTrust(path: string): TrustSource {
  return {
    async fetch(): Promise<Answer<"trustRoot">> {
      try {
        const bytes = await (await openLayout(path)).read(trustRootFile, maxBytes);
        if (bytes === undefined) {
          const message = `layout \`${path}\` has no trust root: export it with one, or give a trusted root file`;
          throw new SourceError("notFound", message, { origin: path });
        }
        return {
          ok: true,
          value: { json: trustedRootText(Buffer.from(bytes).toString("utf8"), path) },
          requests: 0,
        };
      } catch (error) {
        return { ok: false, failure: failureOf(error), requests: 0 };
      }
    },
  };
}
