import { writeFileSync } from "node:fs";
import { codesPage } from "./codes-page.ts";

// Writes docs/codes.md from the table of codes: `node --conditions=assay:source packages/engine/scripts/write-codes.ts`.
writeFileSync(new URL("../../../docs/codes.md", import.meta.url), codesPage());
