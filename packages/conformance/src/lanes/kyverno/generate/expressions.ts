// What conditions are made of: tables, by what an expression can see.

/** About an attestation's predicate. */
export const attested: readonly string[] = [
  ...["builder.id", "buildType", "buildType || 'none'", "builder.id || ''", "runDetails.builder.id"],
  ...["buildDefinition.buildType", "regex_match('^https://', builder.id)", "split(builder.id, '/')"],
  ...["length(materials || `[]`)", "materials[].uri", "extra.f", "extra.list"],
  ...["metadata.scanFinishedOn || ''", "time_since('', '{{metadata.scanFinishedOn}}', '')", "scanner.uri"],
  ...["time_diff(metadata.scanFinishedOn, time_now_utc())"],
  "scanner.result.Results[].Vulnerabilities[].Severity",
  "scanner.result.Results[].Vulnerabilities[].CVSS.score | max(@)",
  ...["packages[].name", "spdxVersion", "Data", "parse_json(Data).level"],
  ...["size", "count", "zero", "neg", "age", "ver", "flag", "none", "list", "nums", "empty", "map", "tmpl"],
  ...["map.k || ''", '"with-dash"', "unicode", "list[?@ != 'a']", "length(list)", "to_string(nums)"],
  ...["join('-', list)", "to_upper(unicode)", "semver_compare(ver, '>=1.0.0')", "add(count, `1`)"],
  ...["keys(map)", "base64_encode(age)", "truncate(unicode, `3`)", "items(map, 'n', 'v')", "sum(nums)"],
  ...["count > `3`", "nums[-1]"],
];

/** Words of the expressions above that are about a predicate type of `types`. */
export const words: Readonly<Record<string, RegExp>> = {
  slsa02: /builder|buildType|materials/,
  slsa1: /runDetails|buildDefinition|extra/,
  vuln: /scanner|metadata/,
  spdx: /packages|spdx/,
  custom: /Data/,
  odd: /size|count|zero|neg|age|ver|flag|none|list|nums|empty|map|tmpl|with-dash|unicode/,
};

/** About the admission request. */
export const requested: readonly string[] = [
  ...["request.operation", "request.namespace", "request.object.metadata.name", "request.object.kind"],
  ...["request.object.metadata.labels.app || 'none'", "request.oldObject.metadata.name || 'new'"],
  ...["request.object.metadata.annotations.\"acme.example/level\" || '0'", "request.dryRun || `false`"],
  ...["length(request.object.spec.containers || `[]`)", "request.object.spec.containers[].image"],
  "request.object.spec.template.spec.containers[].name || `[]`",
  ...["request.userInfo.username", "request.userInfo.groups", "request.userInfo.uid || 'u'"],
  ...["request.roles", "request.clusterRoles", "serviceAccountName", "serviceAccountNamespace"],
  ...["request.kind.kind", "request.kind.group", "request.resource.resource", "request.requestKind.kind"],
  ...["request.requestResource.resource", "request.options || 'no'", "request.subResource || ''"],
  ...["images.containers.*.name", "images.containers.*.registry", "images.containers.*.digest"],
  ...["images.containers.*.tag", "images.containers.c0.path", "images.initContainers || `{}`"],
];

/** About the image that is judged. */
export const ofImage: readonly string[] = [
  ...["image", "image.name", "image.tag", "image.registry", "image.reference", "image.path", "image.digest"],
  "image.referenceWithTag",
];

/** Functions, where anything may be asked. */
export const functions: readonly string[] = [
  ...["to_number('1e3')", "random('[a-z]{3}') | length(@)", "path_canonicalize('/a/../b')"],
  ...["pattern_match('p*', request.object.metadata.name)", "replace_all('a.b.c', '.', '-')"],
  'label_match(`{"app":"web"}`, request.object.metadata.labels || `{}`)',
  ...["replace('aaa', 'a', 'b', `2`)", "regex_replace_all('[aeiou]', request.object.metadata.name, 'x')"],
  "regex_replace_all_literal('[0-9]', request.object.metadata.name, '$0')",
  ...["trim('  x ', ' ')", "to_lower('ÀB')", "base64_decode('aGk=')", "to_array('x')", "sha256('x')"],
  ...["time_add('2026-01-01T00:00:00Z', '36h')", "time_parse('2006-01-02', '2026-03-04')", "md5('x')"],
  "time_before('2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z')",
  ...["time_truncate('2026-01-01T05:33:00Z', '1h')", "time_to_cron('2026-01-01T05:33:00Z')"],
  ...["divide(`7`, `2`)", "divide('10Mi', '2')", "modulo(`7`, `4`)", "multiply('2Gi', `2`)"],
  ...["subtract('1h', '30m')", "add('1Gi', '1Mi')", "round(`2.567`, `1`)", "ceil(`1.2`)", "abs(`-3`)"],
  ...["object_from_lists(['a','b'], ['x','y'])", "zip(['a'], ['b'])", "lookup({a: 'x'}, 'a')"],
  ...["sort_by([{n: `2`},{n: `1`}], &n)[0].n", "max_by([{n: `2`},{n: `1`}], &n).n"],
  ...["merge({a: 'x'}, {b: 'y'})", "reverse(['a','b'])", "contains(['a','b'], 'a')"],
  ...["starts_with(request.object.metadata.name, 'p')", "not_null(request.object.metadata.labels.zz, 'd')"],
  ...["type(request.object.spec)", "is_external_url('https://8.8.8.8/')", "parse_yaml('a: 1').a"],
  ...["parse_json('{\"a\": [1,2]}').a[1]", "image_normalize('nginx')", "avg([`1`,`2`])", "sum(`[1,2.5]`)"],
  ...["map(&name, request.object.spec.containers)", "length(request.object.metadata.name)"],
  "request.object.spec.containers[?name == 'c0'].image | [0]",
  "request.object.spec.containers[*].name | join(',', @)",
  ...["keys(request.object.metadata.labels || `{}`)", "values(request.object.metadata.labels || `{}`)"],
  ...["split(request.object.spec.containers[0].image, ':')[-1]", "! request.dryRun"],
  "request.object.metadata.labels.app == 'web' && 'y' || 'n'",
  "items(request.object.metadata.labels || `{}`, 'k', 'v')[].k",
  ...["request.object.spec.containers[::-1].name", "time_now_utc() > '2020-01-01'", "x509_decode('bad')"],
];

/** In rules for Pods from which others are generated: what has to be rewritten in those. */
export const rewritten: readonly string[] = [
  ...["request.object.spec.containers[].image", "request.object.spec.containers[*].name | join(',', @)"],
  ...["request.object.metadata.labels.app", "request.object.metadata.labels.app || 'none'"],
  ...["request.oldObject.spec.containers || 'x'", "request.object.metadata.name || 'anon'"],
  ...["request.object.metadata.annotations || 'na'", "request.object.spec.initContainers[].name || `[]`"],
  ...["request.object.kind", "request.object.spec.replicas || `0`", "images.containers.c0.jsonPointer"],
  "images.containers.c0.name",
];

/** Values that some of those have. */
export const rewrittenValues: readonly unknown[] = [
  ...["c0", "web", "x", "none", "*", "x-web", "c0-x", "c0-z", "Pod", "Deployment", ["c0"], "/spec/*"],
  ...["/spec/template/spec/containers/0/image", "anon", "na"],
];

/** What is compared with: of every type, and near what some expression comes to. */
export const values: readonly unknown[] = [
  ...["https://builder.example/*", "https://*", "*", "", "?*", "https://builder.example/v1", "manual"],
  ...[["https://builder.example/v1", "manual"], ["LOW", "MEDIUM"], ["CRITICAL", "HIGH"], "CRITICAL"],
  ...[0, "0", 1, 3, "3", 5, 7, 2.5, "-2.5", "10", "10Mi", "1Gi", "1h", "24h", "720h", "48h", "36h0m0s"],
  ...["1.0.0", ">=1.0.0", "1-5", "!1-3", ["1-5"], [1, 2, 3], "3 | 5", true, false, "true", null],
  ...[["a", "b", "c"], ["a"], ["*"], ["a*", "b"], [], {}, { k: "v" }, '["a","b"]', "none", "Grüße"],
  ...["CREATE", ["CREATE", "UPDATE"], "t/*", "SPDX-2.3", "app", ["app", "openssl"], "v1", "vera", "pods"],
  ...[["pods", "deployments"], ["Pod"], ["view"], "prod"],
];

/** Twice those that decide most often. */
export const operators: readonly string[] = [
  ...["Equals", "NotEquals", "Equals", "NotEquals", "AnyIn", "AllIn", "AnyNotIn", "AllNotIn"],
  ...["GreaterThan", "GreaterThanOrEquals", "LessThan", "LessThanOrEquals", "DurationGreaterThan"],
  ...["DurationGreaterThanOrEquals", "DurationLessThan", "DurationLessThanOrEquals"],
];

/** Conditions that mostly hold, so that others beside them count. */
export const holding: readonly object[] = [
  { key: "{{ builder.id }}", operator: "Equals", value: "https://builder.example/*" },
  { key: "{{ scanner.uri }}", operator: "Equals", value: "pkg:*" },
  { key: "{{ length(materials || `[]`) }}", operator: "GreaterThanOrEquals", value: 0 },
  { key: "{{ count }}", operator: "GreaterThan", value: 2 },
  { key: "{{ time_since('', '{{metadata.scanFinishedOn}}', '') }}", operator: "LessThan", value: "48h" },
  {
    key: "{{ time_since('','{{ metadata.scanFinishedOn }}','') }}",
    operator: "LessThanOrEquals",
    value: "24h",
  },
];
