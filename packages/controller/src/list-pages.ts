import type { KubernetesListObject, KubernetesObject, KubernetesObjectApi } from "@kubernetes/client-node";
import { inTime } from "./api-answer.ts";

/** What is listed. */
export interface Listing {
  readonly apiVersion: string;
  readonly kind: string;
  /** Objects a page. Default: as many as the API server likes, all of them as a rule. */
  readonly pageSize?: number;
  /** Only what bears these labels. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Aborted: no further page is asked for. */
  readonly signal?: AbortSignal;
  /** Milliseconds for each page. */
  readonly timeoutMs?: number | undefined;
}

type Page = KubernetesListObject<KubernetesObject>;

/**
 * The pages of a list, one after the other. Throws where one cannot be had, or is none, and the signal's reason.
 * INVARIANT: who got through to the end saw every object: what is no list is not an empty one.
 */
export async function* listPages(
  api: KubernetesObjectApi,
  { apiVersion, kind, pageSize, labels, signal, timeoutMs }: Listing,
): AsyncGenerator<Page> {
  const selector =
    labels &&
    Object.entries(labels)
      .map((label) => label.join("="))
      .join(",");
  let next: string | undefined;
  do {
    const none = undefined;
    signal?.throwIfAborted();
    const page: Page = await inTime(
      api.list(apiVersion, kind, none, none, none, none, none, selector, pageSize, next),
      timeoutMs,
    );
    if (!Array.isArray(page?.items)) throw new Error(`the API server answered with no list of ${kind}`);
    yield page;
    next = nextOf(page);
  } while (next !== undefined);
}

/** The client library renames the field for the kinds that it knows, and leaves it as it is for those of others. */
function nextOf({ metadata }: Page): string | undefined {
  const { _continue, continue: plain } = (metadata ?? {}) as Record<string, unknown>;
  const next = _continue ?? plain;
  return typeof next === "string" && next !== "" ? next : undefined;
}
