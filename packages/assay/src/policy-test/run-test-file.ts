import { dirname, join, relative, resolve } from "node:path";
import type { EvaluationOptions, EvaluationRequest, Verdict } from "@assay/engine";
import { type Json, type JsonObject, loadPolicies, type Policy } from "@assay/policy";
import { AssayError } from "../assay-error.ts";
import type { AssayOptions } from "../assay-options.ts";
import { type Assay, assemble } from "../create-assay.ts";
import { type LogFlags, parseTime, parseVariables, type SourceFlags } from "../flags/evaluation-flags.ts";
import { limitsOf } from "../flags/judging-command.ts";
import { type InputFile, readInputFiles, readTextFile } from "../inputs/input-files.ts";
import { readObjects } from "../inputs/read-objects.ts";
import { inNamespace, namespaceLabels } from "../inputs/resource-requests.ts";
import { jsonObject, ownField } from "../json-object.ts";
import { sourceOptions } from "../open-sources.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { applyPatches } from "./apply-patches.ts";
import { documentReader, documentsOf, type SourceDocument } from "./document-reader.ts";
import { isTestDocument, readTestFile, readValues, type TestFile, type TestValues } from "./test-file.ts";
import { type Judged, rowsOf, type TestRow } from "./test-row.ts";
import { givenFor } from "./test-values.ts";

/** What the command line gives every test. */
export interface TestFlags extends SourceFlags, LogFlags {
  readonly var: readonly string[];
  readonly now?: Date;
}

/** Everything that one test file names, read. */
interface TestCase {
  readonly file: TestFile;
  readonly directory: string;
  readonly policies: ReturnType<typeof loadPolicies>;
  readonly resources: readonly JsonObject[];
  readonly clusterObjects: readonly JsonObject[];
  readonly values: TestValues;
  readonly userInfo: EvaluationRequest["userInfo"];
  readonly options: Omit<AssayOptions, "policies">;
  readonly limits: EvaluationOptions;
}

/** Runs the tests of one `kyverno-test.yaml`; a file without any is an error. Paths in it are relative to it. */
export async function runTestFile(
  path: string,
  flags: TestFlags,
  terminal: Terminal,
): Promise<readonly TestRow[]> {
  const tests = documentsOf(path, await readTextFile(path, terminal.cwd)).filter(isTestDocument);
  if (tests.length === 0) {
    throw new AssayError("invalidDocument", `\`${path}\` holds no test`, {
      hint: "a test is a document of apiVersion cli.kyverno.io/v1alpha1 and kind Test",
    });
  }
  const rows: TestRow[] = [];
  for (const document of tests)
    rows.push(...(await runTest(await open(readTestFile(document), path, flags, terminal))));
  return rows;
}

async function runTest(test: TestCase): Promise<readonly TestRow[]> {
  const rows: TestRow[] = [];
  for (const policy of test.policies.policies) {
    const expectations = test.file.expectations.filter((one) => names(one.policy, policy));
    if (expectations.length === 0) continue;
    const judged = await Promise.all(test.resources.map((resource) => judge(test, policy, resource)));
    for (const expectation of expectations) {
      const found = rowsOf(test.file.name, expectation, judged);
      const own = hasRule(policy, expectation.rule) ? found : found.map(noRule);
      rows.push(...(await comparePatched(test, own, expectation.patchedResource, judged)));
    }
  }
  const unknown = test.file.expectations.filter(
    (one) => !test.policies.policies.some((policy) => names(one.policy, policy)),
  );
  return [
    ...rows,
    ...unknown.flatMap((expectation) => rowsOf(test.file.name, expectation, []).map(noPolicy)),
  ];
}

async function judge(test: TestCase, policy: Policy, resource: JsonObject): Promise<Judged> {
  const asked = { resource, userInfo: test.userInfo };
  const { variables, objects, request } = givenFor(test.file, policy, asked, test.values);
  const assay: Assay = assemble(
    { policies: [policy], exceptions: test.policies.exceptions, diagnostics: [] },
    {
      ...test.options,
      objects: [...test.clusterObjects, ...objects],
      variables: { ...variables, ...test.options.variables },
    },
  );
  const namespace = String(jsonObject(request.resource["metadata"])["namespace"] ?? "default");
  const labels = test.values.namespaceLabels.get(namespace) ?? namespaceLabels(test.resources).get(namespace);
  const told = labels === undefined ? request : { ...request, namespaceLabels: labels };
  const verdict: Verdict = await assay.evaluate(told, test.limits);
  return { verdict, patched: applyPatches(request.resource, verdict.patches) };
}

/** `patchedResource`: the file must hold the resource as it looks once images are pinned. */
async function comparePatched(
  { directory }: TestCase,
  rows: readonly TestRow[],
  file: string | undefined,
  judged: readonly Judged[],
): Promise<readonly TestRow[]> {
  if (file === undefined) return rows;
  const path = join(directory, file);
  const wanted = documentsOf(path, await readTextFile(path, directory)).map(({ value }) => canonical(value));
  return rows.map((row) => {
    if (!row.passed || judged.some(({ patched }) => wanted.includes(canonical(patched)))) return row;
    return { ...row, passed: false, reason: `Want the resource in ${file}, got another one` };
  });
}

async function open(file: TestFile, path: string, flags: TestFlags, terminal: Terminal): Promise<TestCase> {
  const directory = resolve(terminal.cwd, dirname(path));
  const local: Terminal = { ...terminal, cwd: directory };
  const display = (input: InputFile): InputFile => ({
    ...input,
    file: relative(terminal.cwd, resolve(directory, input.file)),
  });
  const policyFiles = await readInputFiles([...file.policies, ...file.exceptions], local);
  const resources = (await readObjects(file.resources, local)).map((one) => one.object);
  const cluster = (await readObjects(file.clusterResources, local)).map((one) => one.object);
  const now = flags.now ?? (file.now === undefined ? undefined : parseTime(file.now));
  const layout = flags.layout ?? (file.layout === undefined ? undefined : resolve(directory, file.layout));
  const trustedRoot =
    flags.trustedRoot ?? (file.trustedRoot === undefined ? undefined : resolve(directory, file.trustedRoot));
  const source: SourceFlags = {
    ...flags,
    ...(layout === undefined ? {} : { layout }),
    ...(trustedRoot === undefined ? {} : { trustedRoot }),
  };
  return {
    file,
    directory,
    policies: loadPolicies(policyFiles.map(display)),
    resources,
    clusterObjects: [
      ...cluster,
      ...resources
        .filter((one) => one["kind"] === "ConfigMap" || one["kind"] === "Secret")
        .map((one) => inNamespace(one)),
    ],
    values: file.variables === undefined ? file.values : await valuesOf(file.variables, directory),
    userInfo: file.userInfo === undefined ? undefined : await userInfoOf(file.userInfo, directory),
    limits: limitsOf(flags, terminal),
    options: {
      ...(await sourceOptions(source, terminal)),
      variables: parseVariables(flags.var),
      logLookup: flags.logLookup,
      clock: now === undefined ? terminal.now : () => now,
    },
  };
}

async function valuesOf(file: string, directory: string): Promise<TestValues> {
  return readValues(await onlyDocument(file, directory));
}

/** A second document would be passed over. */
async function onlyDocument(file: string, directory: string): Promise<SourceDocument> {
  const [document, ...more] = documentsOf(file, await readTextFile(file, directory));
  if (document !== undefined && more.length === 0) return document;
  throw new AssayError(
    "invalidDocument",
    `\`${file}\` holds ${more.length === 0 ? "no" : "more than one"} document`,
  );
}

/** Kyverno's `UserInfo`: roles beside the user's name and groups. */
async function userInfoOf(
  file: string,
  directory: string,
): Promise<NonNullable<EvaluationRequest["userInfo"]>> {
  const document = await onlyDocument(file, directory);
  const read = documentReader(document);
  const given = read.object(document.value, "");
  const user = read.object(ownField(given, "userInfo") ?? {}, "userInfo");
  const username = read.optionalText(ownField(user, "username"), "userInfo.username");
  const userInfo = {
    ...(username === undefined ? {} : { username }),
    groups: read.texts(ownField(user, "groups"), "userInfo.groups"),
    roles: read.texts(ownField(given, "roles"), "roles"),
    clusterRoles: read.texts(ownField(given, "clusterRoles"), "clusterRoles"),
  };
  read.throwNoted();
  return userInfo;
}

function names(expected: string, { name, namespace }: Policy): boolean {
  return expected === name || expected === `${namespace ?? ""}/${name}`;
}

/** Rules of other kinds are there too, and skipped. */
function hasRule({ rules, skippedRules }: Policy, rule: string | undefined): boolean {
  return rule === undefined || skippedRules.includes(rule) || rules.some(({ name }) => name === rule);
}

/** A rule that is not there says nothing of any resource, which is what `skip` expects: nothing would be tested. */
function noRule(row: TestRow): TestRow {
  return { ...row, passed: false, reason: row.reason === "Ok" ? "no such rule" : row.reason };
}

function noPolicy(row: TestRow): TestRow {
  return { ...row, received: "none", reason: "no such policy" };
}

/** Equal objects, equal text: keys in order. */
function canonical(value: Json): string {
  return JSON.stringify(value, (_, child: unknown) =>
    typeof child === "object" && child !== null && !Array.isArray(child)
      ? Object.fromEntries(Object.entries(child).sort(([a], [b]) => (a < b ? -1 : 1)))
      : child,
  );
}
