import type { Plan } from "@assay/engine";
import type { JsonObject, Policy } from "@assay/policy";
import type { Command } from "commander";
import type { PlaceCheck } from "../check-plan.ts";
import { addOutputFlag } from "../flags/evaluation-flags.ts";
import {
  addJudgingFlags,
  type JudgingFlags,
  judgingCommand,
  type ResourceFlags,
  resourcesOf,
} from "../flags/judging-command.ts";
import { jsonObject } from "../json-object.ts";
import { type CommandContext, exitCode } from "../terminal/command-line.ts";
import { plainText } from "../terminal/plain-text.ts";
import type { Terminal } from "../terminal/terminal.ts";

interface Flags extends JudgingFlags, ResourceFlags {
  readonly check?: boolean;
  readonly output: "text" | "json";
}

interface Planned {
  readonly resource: string;
  readonly plan: Plan;
}

/** `assay plan`: what would be asked, and of whom; `--check` asks. */
export function addPlanCommand(program: Command, { terminal, finish }: CommandContext): void {
  const command = judgingCommand(
    program,
    "plan",
    "list every question and host that policies and resources need, before anything is contacted",
  );
  addJudgingFlags(command.option("--check", "try every host, and the transparency logs that policies name"));
  addOutputFlag(command, ["text", "json"]);
  command.addHelpText("after", EXAMPLES).action(async (policies: readonly string[], flags: Flags) => {
    const { openAssay } = await import("../open-assay.ts");
    const { requestsFor } = await import("../inputs/resource-requests.ts");
    const assay = await openAssay(policies, flags, terminal);
    const resources = (await resourcesOf(flags, terminal)).map(({ object }) => object);
    const plans = requestsFor(resources, flags).map((request) => ({
      resource: nameOf(request.resource),
      plan: assay.plan(request),
    }));
    const checks = flags.check === true ? await checkAll(assay.policies, plans, flags, terminal) : undefined;
    const told = flags.layout === undefined ? plans : await fromLayout(plans, flags.layout);
    const report = { plans: told, ...(checks === undefined ? {} : { checks }) };
    terminal.out(flags.output === "json" ? `${JSON.stringify(report, null, 2)}\n` : describe(told, checks));
    if (checks?.some(({ ok, needed }) => !ok && needed)) finish(exitCode.undecided);
  });
}

/** With a layout no registry is asked: what images need is read from it. */
async function fromLayout(plans: readonly Planned[], layout: string): Promise<readonly Planned[]> {
  const { isRegistryLookup } = await import("../check-plan.ts");
  return plans.map(({ resource, plan }) => {
    const others = plan.lookups.filter((lookup) => !isRegistryLookup(lookup));
    const hosts = [...new Set(others.map(({ host }) => host))].sort();
    const lookups = plan.lookups.map((lookup) =>
      isRegistryLookup(lookup) ? { ...lookup, host: layout } : lookup,
    );
    return { resource, plan: { ...plan, lookups, hosts } };
  });
}

async function checkAll(
  policies: readonly Policy[],
  plans: readonly Planned[],
  flags: Flags,
  terminal: Terminal,
): Promise<readonly PlaceCheck[]> {
  const { checkPlan, checkRekor } = await import("../check-plan.ts");
  const { rekorUrls } = await import("../inputs/policy-places.ts");
  const { sourcesOf } = await import("../create-assay.ts");
  const { sourceOptions } = await import("../open-sources.ts");
  const { readObjects } = await import("../inputs/read-objects.ts");
  const objects = (await readObjects(flags.configmap, terminal)).map(({ object }) => object);
  const sources = sourcesOf({ ...(await sourceOptions(flags, terminal)), objects });
  const signal = AbortSignal.any([terminal.signal, AbortSignal.timeout((flags.timeout ?? 30) * 1000)]);
  const all: Plan = {
    rules: plans.flatMap(({ plan }) => plan.rules),
    lookups: plans.flatMap(({ plan }) => plan.lookups),
    hosts: [],
  };
  const logs = rekorUrls(policies).map((url) =>
    checkRekor(url, { signal, isAsked: flags.logLookup !== "never" }),
  );
  const { layout } = flags;
  return [...(await checkPlan(all, { sources, signal, layout })), ...(await Promise.all(logs))];
}

function nameOf(object: JsonObject): string {
  return `${String(object["kind"])}/${String(jsonObject(object["metadata"])["name"] ?? "")}`;
}

const WHEN: Readonly<Record<Plan["lookups"][number]["when"], string>> = {
  now: "",
  whenResolved: " (once the tag is resolved)",
  ifNoReferrersApi: " (if the registry has no referrers API)",
  ifManifestIsSigned: " (if a bundle signs the manifest itself)",
  ifTrustIsNeeded: " (if a signature needs it)",
  ifLogEntryIsMissing: " (if a signature comes without its log entry)",
};

function describe(plans: readonly Planned[], checks: readonly PlaceCheck[] | undefined): string {
  const lines = plans.flatMap(({ resource, plan }) => [
    resource,
    ...(plan.rules.length === 0 ? ["  no rule applies: nothing is asked"] : []),
    ...plan.rules.map(({ policy, rule, images }) => `  ${policy}/${rule}: ${images.join(", ")}`),
    ...plan.lookups.map(({ kind, subject, host, when }) => `  ask ${host}: ${kind} ${subject}${WHEN[when]}`),
  ]);
  const hosts = [...new Set(plans.flatMap(({ plan }) => plan.hosts))].sort();
  const checked = (checks ?? []).map(
    ({ place, ok, needed, message }) => `${ok ? "ok  " : needed ? "FAIL" : "warn"} ${place}: ${message}`,
  );
  const tail = checks === undefined ? ["", `hosts: ${hosts.join(", ") || "none"}`] : ["", ...checked];
  return `${plainText([...lines, ...tail].join("\n"))}\n`;
}

const EXAMPLES = `
Exit status: 0 planned (and every host answered), 2 wrong usage or a host that did not answer.

Examples:
  assay plan policies/ --resource pod.yaml
  assay plan policies/ --resource pod.yaml --check        is everything reachable, with these credentials?`;
