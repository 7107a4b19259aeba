import {
  inspectPolicies,
  type JsonObject,
  type MatchRequest,
  matchException,
  matchRule,
} from "@assay/policy";
import type { Answers, TableCase } from "../table-case.ts";

/** Answers the tables about which rules apply to an object, and which exceptions take it out of them. */
export const answers: Answers = {
  /** Every rule that applies, generated ones too, with its texts that name the request. */
  applyingRules: (asked) => {
    const { policies, diagnostics } = load(policyOf(asked));
    const [policy] = policies;
    const problem = diagnostics.find(({ severity }) => severity === "error");
    if (policy === undefined || problem !== undefined) return { error: problem?.message ?? "no policy" };
    const applying = policy.rules.filter((rule) => matchRule(rule, requestOf(asked), policy).matched);
    return {
      value: Object.fromEntries(
        applying.map(({ name, verifyImages, preconditions, context }) => [
          name,
          textsOf([verifyImages, preconditions, context].map(dataOf)).sort(),
        ]),
      ),
    };
  },
  exceptionMatches: (asked) => {
    const { policies, exceptions } = load(policyOf(asked), asked["exception"]);
    const [policy] = policies;
    const [exception] = exceptions;
    if (policy === undefined || exception === undefined) return { error: "not loaded" };
    const about = { policy, rule: String(asked["rule"]), now: new Date(0) };
    return { value: matchException(exception, about, requestOf(asked)).matched };
  },
};

function load(...documents: readonly unknown[]): ReturnType<typeof inspectPolicies> {
  return inspectPolicies(
    documents.map((document) => ({ text: JSON.stringify(document), file: "case.json" })),
  );
}

/** The tables leave out what every policy needs. */
function policyOf(asked: TableCase): JsonObject {
  const namespace = asked["policyNamespace"];
  const controllers = asked["autogenControllers"];
  return {
    apiVersion: "kyverno.io/v1",
    kind: namespace === undefined ? "ClusterPolicy" : "Policy",
    metadata: {
      name: "p",
      ...(namespace === undefined ? {} : { namespace: String(namespace) }),
      ...(controllers === undefined
        ? {}
        : { annotations: { "pod-policies.kyverno.io/autogen-controllers": String(controllers) } }),
    },
    spec: { background: false, rules: asked["rules"] as JsonObject[] },
  };
}

function requestOf(asked: TableCase): MatchRequest {
  const { resource, operation, subresource, namespaceLabels, userInfo } = asked;
  const known = { operation, subresource, namespaceLabels, userInfo };
  const given = Object.entries(known).filter(([, value]) => value !== undefined);
  return { resource: resource as JsonObject, ...Object.fromEntries(given) };
}

function dataOf(part: unknown): unknown {
  return part === undefined ? null : JSON.parse(JSON.stringify(part));
}

function textsOf(value: unknown): string[] {
  if (typeof value === "string") return value.includes("request") ? [value] : [];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(textsOf);
}
