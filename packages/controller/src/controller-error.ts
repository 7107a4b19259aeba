/** Why the controller could not begin, or go on. `code` is closed. */
export class ControllerError extends Error {
  override readonly name = "ControllerError";
  readonly code: "notReady" | "badOptions";

  constructor(code: ControllerError["code"], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
