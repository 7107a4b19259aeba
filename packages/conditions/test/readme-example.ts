import { check, createScope, evaluate, explainCondition, type Json } from "@assay/conditions";

const build = {
  builder: { id: "https://github.com/actions/runner@v2.1.0" },
  scan: { finishedOn: "2024-06-01T12:00:00Z", critical: 0 },
  materials: [{ uri: "git+https://github.com/myorg/app" }],
};

const conditions: Json = {
  all: [
    { key: "{{ scan.critical }}", operator: "LessThan", value: 1 },
    { key: "{{ scan.finishedOn }}", operator: "GreaterThan", value: "{{ time_now_utc() - '24h' }}" },
    { key: "{{ materials[*].uri }}", operator: "AllIn", value: ["git+https://github.com/myorg/*"] },
    {
      key: "{{ builder.id }}",
      operator: "Equals",
      value: "https://github.com/actions/runner",
      message: "wrong builder",
    },
  ],
};

const scope = createScope({ data: build, now: new Date("2024-06-02T09:00:00Z") });
const result = check(conditions, scope, { kind: "preconditions" });
const source = evaluate("materials[0].uri | trim_prefix(@, 'git+')", scope);

const report = [`${result.outcome}: ${result.message}`, ...result.conditions.map(explainCondition), source];
process.stdout.write(`${report.join("\n")}\n`);
