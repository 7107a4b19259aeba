import { type Command, Option } from "commander";
import { collect, wholeNumber } from "../flags/evaluation-flags.ts";
import { addJudgingFlags, type JudgingFlags } from "../flags/judging-command.ts";
import { refuseUnheeded, type UnheededFlags } from "../flags/unheeded-flags.ts";
import type { ClusterFlags } from "../serve/serve-cluster.ts";
import type { ServerFlags } from "../serve/serve-policies.ts";
import type { CommandContext } from "../terminal/command-line.ts";

type Flags = JudgingFlags & ServerFlags & ClusterFlags & PrintFlags;

interface PrintFlags {
  readonly cluster?: boolean;
  readonly printWebhooks?: string;
  readonly exemptNamespace: readonly string[];
}

/** `assay serve [POLICY…]`: the admission webhook, with policies from files or from the cluster itself. */
export function addServeCommand(program: Command, { terminal }: CommandContext): void {
  const command = program
    .command("serve")
    .description("answer a Kubernetes API server's admission reviews over TLS")
    .argument("[policy...]", "policy files, directories, globs, or - for standard input (not with --cluster)")
    .option("--tls-cert <file>", "serving certificate (PEM); a rotated file is taken up while running")
    .option("--tls-key <file>", "its private key (PEM)")
    .addOption(
      new Option("--port <number>", "port to listen on; 0 picks one")
        .default(8443)
        .argParser(wholeNumber("--port", 0, 65_535)),
    )
    .option("--host <address>", "address to listen on (default: all)")
    .addOption(
      new Option(
        "--shutdown-delay <seconds>",
        "when told to stop: go on answering, not ready any more, for so long",
      )
        .default(0)
        .argParser(wholeNumber("--shutdown-delay", 0, 3600)),
    )
    .addOption(new Option("--log-format <format>", "log lines").choices(["json", "text"]).default("json"));
  addClusterFlags(command)
    .option(
      "--print-webhooks <url>",
      "print the WebhookConfigurations for these policies and this URL, then end",
    )
    .option(
      "--exempt-namespace <name>",
      "with --print-webhooks: namespace whose objects are not judged (default: none); repeatable",
      collect,
      [],
    );
  addJudgingFlags(command);
  command.addHelpText("after", EXAMPLES).action(async (policies: readonly string[], flags: Flags) => {
    if (flags.printWebhooks !== undefined) {
      const { printWebhooks } = await import("../serve/print-webhooks.ts");
      return printWebhooks(policies, { ...flags, url: flags.printWebhooks }, terminal);
    }
    refuseUnheeded(command, { ...SERVING, ...(flags.cluster === true ? FROM_CLUSTER : FROM_FILES) });
    if (flags.cluster === true) {
      const { serveCluster } = await import("../serve/serve-cluster.ts");
      return serveCluster(policies, flags, terminal);
    }
    const { servePolicies } = await import("../serve/serve-policies.ts");
    return servePolicies(policies, flags, terminal);
  });
}

const SERVING: UnheededFlags = {
  now: "a server judges by the clock, for what expires must expire",
  timeout: "the API server says with each review how long it waits (`timeoutSeconds` of the webhook)",
  mutate: "/mutate pins tags and /validate refuses them",
  exemptNamespace: "it belongs to --print-webhooks",
};

const FROM_CLUSTER: UnheededFlags = {
  configmap: "with --cluster ConfigMaps and Secrets are those of the cluster",
  exception: "with --cluster exceptions are those of the cluster (see --exception-namespace)",
};

const FROM_FILES: UnheededFlags = Object.fromEntries(
  ["kubeconfig", "leaderElectionNamespace", "exceptionNamespace", "scanInterval"].map((name) => [
    name,
    "it needs --cluster",
  ]),
);

function addClusterFlags(command: Command): Command {
  return command
    .option("--cluster", "take policies, exceptions, ConfigMaps and Secrets from the cluster, as they change")
    .option(
      "--kubeconfig <file>",
      "how to reach the cluster (default: in-cluster, $KUBECONFIG, ~/.kube/config)",
    )
    .option(
      "--leader-election-namespace <name>",
      "re-judge what runs and write PolicyReports; one replica leads",
    )
    .option(
      "--exception-namespace <name>",
      "with --cluster: namespace whose PolicyExceptions count (default: none); repeatable",
      collect,
      [],
    )
    .addOption(
      new Option("--scan-interval <seconds>", "time between two such scans")
        .default(3600)
        .argParser(wholeNumber("--scan-interval", 1, 604_800)),
    );
}

const EXAMPLES = `
Serves /mutate and /validate, /healthz, /readyz and /metrics, until it is told to stop (SIGTERM, Ctrl-C): then it is not
ready, answers for --shutdown-delay, and lets the reviews in flight finish (ten seconds at most). What can't be decided is not allowed.
Exit status: 0 told to stop (or printed), 2 wrong usage, or it could not start.

Examples:
  assay serve policies/ --tls-cert tls.crt --tls-key tls.key
  assay serve policies/ --tls-cert tls.crt --print-webhooks https://10.0.0.5:8443 \\
    --exempt-namespace kube-system | kubectl apply -f -
  assay serve --cluster --tls-cert /tls/tls.crt --tls-key /tls/tls.key --leader-election-namespace assay`;
