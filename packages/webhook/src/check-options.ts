import type { AdmissionHandlerOptions } from "./admission-handler.ts";
import type { TlsServerOptions } from "./tls-server.ts";
import { WebhookError } from "./webhook-error.ts";

type Check = readonly [holds: (value: unknown) => boolean, wanted: string];

const milliseconds: Check = [
  (value) => typeof value === "number" && Number.isFinite(value) && value >= 0,
  "a number of at least 0",
];
const callable: Check = [(value) => typeof value === "function", "a function"];
const anything: Check = [() => true, ""];

const handler: Readonly<Record<keyof AdmissionHandlerOptions, Check>> = {
  mode: [(value) => value === "mutate" || value === "validate", "`mutate` or `validate`"],
  maxBodyBytes: milliseconds,
  timeoutMs: milliseconds,
  timeoutMarginMs: milliseconds,
  namespaceLabels: callable,
  logger: anything,
  metrics: anything,
};

const server: Readonly<Record<keyof TlsServerOptions, Check>> = {
  tls: anything,
  clientCa: [(value) => typeof value === "string", "PEM text"],
  tlsIntervalMs: milliseconds,
  port: anything,
  host: anything,
  ready: callable,
  shutdownDelayMs: milliseconds,
  drainMs: milliseconds,
  logger: anything,
  metrics: anything,
};

/**
 * Throws `WebhookError` `badOptions` for an option that does not exist or is not what its type says: without its `mode` a tag
 * is pinned that was to be refused, without its `clientCa` anybody is answered.
 */
export function checkHandlerOptions(options: AdmissionHandlerOptions): void {
  checkOptions(options, handler);
}

/** The same for a server's, whose paths are its modes. */
export function checkServerOptions(options: object): void {
  const { mode: _, ...fields } = handler;
  checkOptions(options, { ...fields, ...server });
}

function checkOptions(options: unknown, known: Readonly<Record<string, Check>>): void {
  // A Promise or a Map has no options.
  if (Object.prototype.toString.call(options) !== "[object Object]")
    throw new WebhookError("badOptions", "options", "the options are no object");
  for (const [name, value] of Object.entries(options as object)) {
    if (value === undefined) continue;
    const [holds, wanted] = Object.hasOwn(known, name) ? (known[name] ?? anything) : nothing;
    if (holds(value)) continue;
    const what = wanted === "" ? `there is no option \`${name}\`` : `\`${name}\` is not ${wanted}`;
    const list = wanted === "" ? `; known here: ${Object.keys(known).join(", ")}` : "";
    throw new WebhookError("badOptions", name, `${what}${list}`);
  }
}

const nothing: Check = [() => false, ""];
