import type { JsonObject } from "@assay/policy";
import { isObject } from "./is-object.ts";
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
 * is said to be another, which is `otherImageRuns`. Images by digest and those without a digest in the status stay as they are.
 */
export function withRunningImages(verdict: Verdict, pod: JsonObject): Verdict {
  const running = runningImages(pod);
  const results = verdict.results.map((result) => heeding(result, running));
  const undecided = results.filter(({ code }) => code === "otherImageRuns");
  if (undecided.length === 0) return { ...verdict, results };
  const isEnforced = undecided.some(({ failureAction }) => failureAction === "Enforce");
  return { ...verdict, results, outcome: "error", allowed: verdict.allowed && !isEnforced };
}

function heeding(result: Result, running: readonly Running[]): Result {
  const { image, digest, outcome } = result;
  const others = running.filter((one) => one.image === image && one.digest !== digest);
  if (digest === undefined || others.length === 0 || outcome === "skip") return result;
  const runs = others.map((one) => `container \`${one.container}\` runs ${one.digest}`).join(", ");
  if (outcome !== "pass")
    return { ...result, message: `${result.message}; this is of ${digest}, but ${runs}` };
  const message = `\`${image}\` is ${digest} now, which passes, but ${runs}, which was not judged`;
  return { ...result, outcome: "error", code: "otherImageRuns", message };
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
