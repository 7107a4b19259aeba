import type { AdmissionHandlerOptions } from "./admission-handler-options.ts";
import type { TlsServerOptions } from "./tls-server.ts";
import { WebhookError } from "./webhook-error.ts";

/** What an option must be, for programs without types, and how a message calls that. */
export type OptionCheck = readonly [holds: (value: unknown) => boolean, wanted: string];

const amount: OptionCheck = [
  (value) => typeof value === "number" && Number.isFinite(value) && value >= 0,
  "a number of at least 0",
];
const callable: OptionCheck = [(value) => typeof value === "function", "a function"];
const anything: OptionCheck = [() => true, ""];

const handler: Readonly<Record<keyof AdmissionHandlerOptions, OptionCheck>> = {
  mode: [(value) => value === "mutate" || value === "validate", "`mutate` or `validate`"],
  maxBodyBytes: amount,
  timeoutMs: amount,
  timeoutMarginMs: amount,
  namespaceLabels: callable,
  logger: anything,
  metrics: anything,
};

/** Of the options that every server over TLS has. */
export const serverOptions: Readonly<Record<keyof TlsServerOptions, OptionCheck>> = {
  tls: anything,
  clientCa: [(value) => typeof value === "string", "PEM text"],
  tlsIntervalMs: amount,
  port: anything,
  host: anything,
  ready: callable,
  shutdownDelayMs: amount,
  drainMs: amount,
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
  checkOptions(options, { ...fields, ...serverOptions });
}

/**
 * Throws `WebhookError` `badOptions`, with the option's name as its path, for options that are no object (a Promise or a Map has
 * none), and for one that is not among the `known` ones or does not hold what is wanted.
 */
export function checkOptions(options: unknown, known: Readonly<Record<string, OptionCheck>>): void {
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

const nothing: OptionCheck = [() => false, ""];
