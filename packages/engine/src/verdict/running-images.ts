import type { JsonObject, Trace } from "@assay/policy";
import { isObject } from "../is-object.ts";
import { imagesMessage, worst } from "./reason.ts";
import type { Result, Verdict } from "./verdict.ts";

/** What the kubelet says of a container. */
interface Running {
  readonly container: string;
  readonly image: string;
  readonly digest: string;
}

/**
 * A verdict about a Pod that runs, heeding its status: a tag was judged as it resolves now, and may have named another
 * image when the Pod started. INVARIANT: nothing passes by the signatures of an image that does not run; what was verified
 * is said to be another, which is `otherImageRuns`, in the results and in the trace. Images by digest and those without a digest
 * in the status stay as they are.
 */
export function withRunningImages(verdict: Verdict, pod: JsonObject): Verdict {
  const running = runningImages(pod);
  const results = verdict.results.map((result) => heeding(result, running));
  const trace = verdict.trace.map((step) => heedingStep(step, running));
  const undecided = results.filter(({ code }) => code === "otherImageRuns");
  if (undecided.length === 0) return { ...verdict, results, trace };
  const isEnforced = undecided.some(({ failureAction }) => failureAction === "Enforce");
  return { ...verdict, results, trace, outcome: "error", allowed: verdict.allowed && !isEnforced };
}

function heeding(result: Result, running: readonly Running[]): Result {
  const { image, digest, outcome } = result;
  if (image === undefined || digest === undefined || outcome === "skip") return result;
  const others = othersThan({ image, digest }, running);
  if (others.length === 0) return result;
  if (outcome !== "pass")
    return { ...result, message: `${result.message}; this is of ${digest}, but ${runs(others)}` };
  return { ...result, ...undecided({ image, digest }, others) };
}

type Judged = Pick<Running, "image" | "digest">;

function othersThan({ image, digest }: Judged, running: readonly Running[]): readonly Running[] {
  return running.filter((one) => one.image === image && one.digest !== digest);
}

function runs(others: readonly Running[]): string {
  return others.map(({ container, digest }) => `container \`${container}\` runs ${digest}`).join(", ");
}

function undecided(
  { image, digest }: Judged,
  others: readonly Running[],
): Pick<Result & Trace, "outcome" | "code" | "message"> {
  const message = `\`${image}\` is ${digest} now, which passes, but ${runs(others)}, which was not judged`;
  return { outcome: "error", code: "otherImageRuns", message };
}

/** The same of the trace: what is above an image comes to what its images do. */
function heedingStep(trace: Trace, running: readonly Running[]): Trace {
  if (trace.step === "image") return heedingImage(trace, running);
  if (trace.step !== "policy" && trace.step !== "rule") return trace;
  const children = trace.children.map((child) => heedingStep(child, running));
  if (children.every((child, i) => child === trace.children[i])) return trace;
  // Preconditions that hold stand beside the images.
  const told = children.filter(({ step }) => step === (trace.step === "rule" ? "image" : "rule"));
  const outcomes = told.map((child) => child.outcome);
  const outcome = worst(outcomes);
  const lead = told.find((child) => child.outcome === outcome);
  if (outcome === trace.outcome || lead === undefined) return { ...trace, children };
  const message = trace.step === "rule" ? imagesMessage(outcomes) : lead.message;
  return { ...trace, outcome, code: lead.code, message, children };
}

function heedingImage(trace: Trace, running: readonly Running[]): Trace {
  const { image, digest } = trace.facts ?? {};
  if (typeof image !== "string" || typeof digest !== "string" || trace.outcome === "skip") return trace;
  const others = othersThan({ image, digest }, running);
  if (others.length === 0) return trace;
  const { path, source } = trace;
  const steps = others.map(
    (other): Trace => ({
      ...{ step: "digest", path, outcome: "error", code: "otherImageRuns" },
      ...(source === undefined ? {} : { source }),
      message: `container \`${other.container}\` runs another image than the one that was judged`,
      ...{ expected: digest, received: other.digest, children: [] },
    }),
  );
  const children = [...trace.children, ...steps];
  return { ...trace, ...(trace.outcome === "pass" ? undecided({ image, digest }, others) : {}), children };
}

const statuses = {
  containers: "containerStatuses",
  initContainers: "initContainerStatuses",
  ephemeralContainers: "ephemeralContainerStatuses",
} as const;

/** Containers whose image is named by a tag, with the digest that was pulled for it. */
function runningImages({ kind, spec, status }: JsonObject): readonly Running[] {
  if (kind !== "Pod" || !isObject(spec) || !isObject(status)) return [];
  return Object.entries(statuses).flatMap(([group, told]) => {
    const images = new Map(each(spec[group]).map(({ name, image }) => [name, image]));
    return each(status[told]).flatMap(({ name, imageID }) => {
      const [image, digest] = [images.get(name), digestIn(imageID)];
      const isByTag = typeof image === "string" && !image.includes("@");
      return isByTag && digest !== undefined ? [{ container: String(name), image, digest }] : [];
    });
  });
}

/**
 * `docker.io/library/nginx@sha256:…`, with a runtime's own prefix here and there. A digest without a repository is that of an
 * image's configuration: nothing follows from it about the manifest.
 */
function digestIn(imageId: unknown): string | undefined {
  return typeof imageId === "string" ? /@([a-z0-9]+:[0-9a-f]{64,128})$/.exec(imageId)?.[1] : undefined;
}

function each(list: unknown): readonly JsonObject[] {
  return Array.isArray(list) ? list.filter(isObject) : [];
}
