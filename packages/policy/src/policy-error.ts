import { type Diagnostic, diagnosticText } from "./diagnostic.ts";

/** Thrown when documents are not policies that can be evaluated as written. Nothing of them is used then. */
export class PolicyError extends Error {
  override readonly name = "PolicyError";
  readonly code = "invalidPolicy";
  /** Every finding, warnings included; at least one is an error. In the order of the files. */
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly Diagnostic[]) {
    const errors = diagnostics.filter((one) => one.severity === "error");
    const first = errors[0];
    const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
    super(first === undefined ? "invalid policy" : `${diagnosticText(first)}${more}`);
    this.diagnostics = diagnostics;
  }
}
