/** Why a request or a configuration was refused. `code` is closed. */
export class WebhookError extends Error {
  override readonly name = "WebhookError";
  readonly code: "malformedReview" | "bodyTooLarge" | "badTls" | "badOptions";
  /** JSON path inside the review, or the file, that is wrong. */
  readonly path: string;

  constructor(code: WebhookError["code"], path: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.path = path;
  }
}
