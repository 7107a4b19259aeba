import type { Json } from "@assay/policy";
import { type Command, Option } from "commander";
import { AssayError } from "../assay-error.ts";

/** Where images, keys and trust come from: the same flags on every command that judges. */
export interface SourceFlags {
  readonly layout?: string;
  readonly registryConfig?: string;
  readonly insecureRegistry: readonly string[];
  readonly allowPrivateHost: readonly string[];
  /** `registry=host`. */
  readonly tokenHost: readonly string[];
  readonly trustedRoot?: string;
  readonly timeout?: number;
  readonly cacheDir?: string;
}

/** What policies may read beside the image. */
export interface ContextFlags {
  readonly var: readonly string[];
  readonly configmap: readonly string[];
  readonly exception: readonly string[];
  readonly now?: Date;
  readonly mutate: boolean;
}

/** Whether the transparency log is asked about signatures that come without an entry. */
export interface LogFlags {
  readonly logLookup: "never" | "whenMissing";
}

/** Adds the flag of `LogFlags`. */
export function addLogFlag(command: Command): Command {
  return command.addOption(
    new Option(
      "--log-lookup <when>",
      "ask the transparency log about signatures that come without its entry; what it answers must be genuine and about them",
    )
      .choices(["never", "whenMissing"])
      .default("never"),
  );
}

/** Adds the flags of `SourceFlags`. */
export function addSourceFlags(command: Command): Command {
  return addRegistryFlags(
    command.option(
      "--layout <dir>",
      "read images from an OCI layout (directory or tar file), not from registries",
    ),
  );
}

/** The flags of `SourceFlags` without `--layout`, for what reads registries only. */
export function addRegistryFlags(command: Command): Command {
  return command
    .option(
      "--registry-config <file>",
      "docker config.json with credentials (default: ~/.docker/config.json)",
    )
    .option(
      "--insecure-registry <host>",
      "speak http to this registry (loopback needs no flag); repeatable",
      collect,
      [],
    )
    .option(
      "--allow-private-host <host>",
      "a registry may send us to this host on a private network, for tokens or layers; repeatable",
      collect,
      [],
    )
    .option(
      "--token-host <registry=host>",
      "this host may be sent the registry's credentials, as its token server (its own domain needs no flag); repeatable",
      collect,
      [],
    )
    .option(
      "--trusted-root <file>",
      "trusted_root.json to verify with (default: Sigstore's public one, by TUF, when needed)",
    )
    .option("--cache-dir <dir>", "keep what was fetched by digest in this directory")
    .addOption(
      new Option("--timeout <seconds>", "deadline of each evaluation (default: the policy's)").argParser(
        parseSeconds,
      ),
    );
}

/** Adds the flags of `ContextFlags`. */
export function addContextFlags(command: Command): Command {
  return command
    .option(
      "--var <name=value>",
      "value for a {{ variable }} of the policy; JSON, or plain text; repeatable",
      collect,
      [],
    )
    .option("--configmap <file>", "ConfigMaps and Secrets that the policy reads; repeatable", collect, [])
    .option("--exception <file>", "PolicyExceptions; repeatable", collect, [])
    .addOption(
      new Option("--now <rfc3339>", "judge as of this time (default: the clock)").argParser(parseTime),
    )
    .option("--no-mutate", "judge as a validating webhook does: tags are not pinned to digests");
}

/** `--output`, one of `formats`; the first is the default. */
export function addOutputFlag(command: Command, formats: readonly [string, ...string[]]): Command {
  return command.addOption(
    new Option("-o, --output <format>", "what to print").choices(formats).default(formats[0]),
  );
}

/** The variables of `--var`. A value that is JSON is taken as such (`--var n=3`, `--var tags='["a"]'`). */
export function parseVariables(pairs: readonly string[]): Readonly<Record<string, Json>> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [name, value] = splitPair(pair, "--var");
      return [name, jsonOrText(value)];
    }),
  );
}

/** Splits `name=value`; an error names the flag. */
export function splitPair(pair: string, flag: string): readonly [string, string] {
  const at = pair.indexOf("=");
  if (at <= 0) throw new AssayError("usage", `${flag} \`${pair}\` is not of the form NAME=VALUE`);
  return [pair.slice(0, at), pair.slice(at + 1)];
}

/** Commander's accumulator for repeatable options. */
export function collect(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value];
}

function jsonOrText(value: string): Json {
  try {
    const parsed: Json = JSON.parse(value);
    return parsed;
  } catch {
    return value;
  }
}

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/** An RFC 3339 time; anything else is a usage error (`Date` would take `2026` or `tomorrow` in its own ways). */
export function parseTime(text: string): Date {
  const time = new Date(text);
  if (RFC3339.test(text) && !Number.isNaN(time.getTime())) return time;
  throw new AssayError("usage", `--now \`${text}\` is not an RFC 3339 time such as 2026-11-23T12:00:00Z`);
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (seconds > 0 && seconds <= 3600) return seconds;
  throw new AssayError("usage", `--timeout \`${text}\` is not a number of seconds between 0 and 3600`);
}

/** Commander's parser of a whole number from `least` to `most`; an error names the flag. */
export function wholeNumber(flag: string, least: number, most: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= least && number <= most) return number;
    throw new AssayError("usage", `${flag} \`${text}\` is not a whole number from ${least} to ${most}`);
  };
}
