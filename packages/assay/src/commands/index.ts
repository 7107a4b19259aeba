import type { AddCommand } from "../terminal/command-line.ts";
import { addApplyCommand } from "./apply.ts";
import { addCompletionCommand } from "./completion.ts";
import { addDiffCommand } from "./diff.ts";
import { addDigestCommand } from "./digest.ts";
import { addExplainCommand } from "./explain.ts";
import { addExportCommand } from "./export.ts";
import { addInferCommand } from "./infer.ts";
import { addLintCommand } from "./lint.ts";
import { addPlanCommand } from "./plan.ts";
import { addRecordCommand } from "./record.ts";
import { addRekorCommand } from "./rekor.ts";
import { addReplayCommand } from "./replay.ts";
import { addScanCommand } from "./scan.ts";
import { addSchemaCommand } from "./schema.ts";
import { addServeCommand } from "./serve.ts";
import { addTestCommand } from "./test.ts";
import { addVerifyCommand } from "./verify.ts";
import { addVerifyBundleCommand } from "./verify-bundle.ts";

/** Every command, in the order of `assay --help`. */
export const commands: readonly AddCommand[] = [
  addApplyCommand,
  addVerifyCommand,
  addVerifyBundleCommand,
  addDigestCommand,
  addLintCommand,
  addExplainCommand,
  addInferCommand,
  addTestCommand,
  addRecordCommand,
  addReplayCommand,
  addDiffCommand,
  addPlanCommand,
  addExportCommand,
  addScanCommand,
  addRekorCommand,
  addSchemaCommand,
  addServeCommand,
  addCompletionCommand,
];
