import {
  any,
  deprecated,
  flag,
  integer,
  list,
  type ObjectShape,
  object,
  record,
  type Shape,
  text,
} from "./shape.ts";
import {
  anyAllShape,
  registryCredentialsShape,
  verifyImagesV1,
  verifyImagesV2,
} from "./shape-verify-images.ts";

// Source: config/crds/kyverno/kyverno.io_clusterpolicies.yaml and kyverno.io_policyexceptions.yaml.

const metadata = object(
  {
    name: text("Name of the object."),
    namespace: text(),
    labels: record(text()),
    annotations: record(text()),
    // Written by the API server, kept by `kubectl get -o yaml`.
    ...Object.fromEntries(
      [
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "finalizers",
        "generateName",
        "generation",
        "managedFields",
        "ownerReferences",
        "resourceVersion",
        "selfLink",
        "uid",
      ].map((name) => [name, any()]),
    ),
  },
  { required: ["name"] },
);

const labelSelector = object({
  matchLabels: record(text()),
  matchExpressions: list(
    object(
      {
        key: text(),
        operator: text(undefined, { oneOf: ["In", "NotIn", "Exists", "DoesNotExist"] }),
        values: list(text()),
      },
      { required: ["key", "operator"] },
    ),
  ),
});

const resources = object({
  kinds: list(text(), "Kind, version/Kind, group/version/Kind, each also with /subresource."),
  name: deprecated(text("Use names.")),
  names: list(text(), "Names, `*` and `?` are wildcards."),
  namespaces: list(text(), "Namespaces, `*` and `?` are wildcards."),
  operations: list(text(undefined, { oneOf: ["CREATE", "CONNECT", "UPDATE", "DELETE"] })),
  annotations: record(text(), "Annotations, wildcards in keys and values."),
  selector: labelSelector,
  namespaceSelector: labelSelector,
});

const filterFields: Readonly<Record<string, Shape>> = {
  resources,
  roles: list(text(), "namespace:name of a role of the user."),
  clusterRoles: list(text()),
  subjects: list(
    object(
      {
        apiGroup: text(),
        kind: text(undefined, { oneOf: ["User", "Group", "ServiceAccount"] }),
        name: text(),
        namespace: text(),
      },
      { required: ["kind", "name"] },
    ),
  ),
};

const anyAllFilters: Readonly<Record<string, Shape>> = {
  any: list(object(filterFields), "One of the filters must match."),
  all: list(object(filterFields), "All filters must match."),
};
const matchV1 = object({ ...anyAllFilters, ...filterFields }, { says: "Which resources." });
const matchV2 = object(anyAllFilters, { says: "Which resources." });

const context = object(
  {
    name: text("Name of the variable."),
    configMap: object({ name: text(), namespace: text() }, { required: ["name"] }),
    variable: object({ value: any(), jmesPath: text(), default: any() }),
    apiCall: object({
      urlPath: text("Path on the Kubernetes API server."),
      method: text(undefined, { oneOf: ["GET", "POST"], default: "GET" }),
      data: list(object({ key: text(), value: any() }, { required: ["key", "value"] })),
      service: object(
        {
          url: text(),
          caBundle: text(),
          headers: list(object({ key: text(), value: text() }, { required: ["key", "value"] })),
        },
        { required: ["url"] },
      ),
      jmesPath: text(),
      default: any(),
    }),
    imageRegistry: object(
      { reference: text(), jmesPath: text(), imageRegistryCredentials: registryCredentialsShape },
      { required: ["reference"] },
    ),
    globalReference: object({ name: text(), jmesPath: text() }, { required: ["name"] }),
  },
  { required: ["name"] },
);

const imageExtractor = object(
  {
    path: text(
      "Slash path to the image (`/spec/steps/*/image`), or assay's own: a JSONPath that begins with $.",
    ),
    value: text("Field that holds the image, where it is not the end of `path`."),
    name: text("Group of the images.", { default: "custom" }),
    key: text("Field that names the image within its group."),
    jmesPath: text("Turns the field's text into the image."),
  },
  { required: ["path"] },
);

function rule(match: Shape, preconditions: Shape, verifyImages: Shape): Shape {
  return object(
    {
      name: text("Unique in the policy.", { maxLength: 63 }),
      match,
      exclude: match,
      preconditions,
      context: list(context),
      celPreconditions: any("Not evaluated."),
      imageExtractors: record(list(imageExtractor), "Where custom resources hold images, by kind."),
      verifyImages: list(verifyImages),
      validate: any("Not evaluated."),
      mutate: any("Not evaluated."),
      generate: any("Not evaluated."),
      skipBackgroundRequests: flag(),
      reportProperties: record(text()),
    },
    { required: ["name", "match"] },
  );
}

const failureAction = text("What a failure means.", {
  oneOf: ["Audit", "Enforce", "audit", "enforce"],
  default: "Audit",
});
const failurePolicy = text("What an evaluation that could not be finished means.", {
  oneOf: ["Ignore", "Fail"],
  default: "Fail",
});
const timeout = integer("Seconds.", {
  minimum: 1,
  maximum: 30,
  outside: "the timeout value must be between 1 and 30 seconds",
});

function policy(ruleShape: Shape): ObjectShape {
  const spec = object(
    {
      rules: list(ruleShape),
      applyRules: text(undefined, { oneOf: ["All", "One"], default: "All" }),
      validationFailureAction: failureAction,
      validationFailureActionOverrides: list(
        object({ action: failureAction, namespaces: list(text()), namespaceSelector: labelSelector }),
      ),
      failurePolicy: deprecated(failurePolicy),
      webhookTimeoutSeconds: deprecated(timeout),
      webhookConfiguration: object({
        failurePolicy,
        timeoutSeconds: timeout,
        matchConditions: any("Not evaluated."),
      }),
      background: flag(undefined, { default: true }),
      admission: flag(undefined, { default: true }),
      emitWarning: flag(undefined, { default: false }),
      schemaValidation: flag(),
      useServerSideApply: flag(),
      mutateExistingOnPolicyUpdate: flag(),
      generateExisting: flag(),
      generateExistingOnPolicyUpdate: flag(),
    },
    { required: ["rules"] },
  );
  return object(
    {
      apiVersion: text(),
      kind: text(undefined, { oneOf: ["ClusterPolicy", "Policy"] }),
      metadata,
      spec,
      status: any(),
    },
    { required: ["apiVersion", "kind", "metadata", "spec"] },
  );
}

/** ClusterPolicy and Policy of kyverno.io/v1. */
export const policyV1: ObjectShape = policy(
  rule(matchV1, any("{any, all} blocks of conditions."), verifyImagesV1),
);
/** The same of kyverno.io/v2beta1: match by any/all only, no deprecated fields. */
export const policyV2beta1: ObjectShape = policy(rule(matchV2, anyAllShape, verifyImagesV2));

/** PolicyException of kyverno.io/v2 (v2beta1 is the same), with assay's image patterns and expiry. */
export const exceptionShape: ObjectShape = object(
  {
    apiVersion: text(),
    kind: text(undefined, { oneOf: ["PolicyException"] }),
    metadata,
    spec: object(
      {
        background: flag(undefined, { default: true }),
        match: matchV2,
        conditions: anyAllShape,
        exceptions: list(
          object(
            {
              policyName: text("Name of a ClusterPolicy, or namespace/name of a Policy."),
              ruleNames: list(
                text(),
                "Rules, `*` and `?` are wildcards; generated rules have names of their own.",
              ),
            },
            { required: ["policyName", "ruleNames"] },
          ),
        ),
        podSecurity: any("Not about images."),
        imageReferences: list(
          text(),
          "assay's own: only images that match one of these patterns are excepted.",
        ),
        expires: text("assay's own: RFC 3339 time after which the exception no longer holds."),
      },
      { required: ["match", "exceptions"] },
    ),
    status: any(),
  },
  { required: ["apiVersion", "kind", "metadata", "spec"] },
);
