import type { KubernetesListObject, KubernetesObject, KubernetesObjectApi } from "@kubernetes/client-node";

/** What is listed. */
export interface Listing {
  readonly apiVersion: string;
  readonly kind: string;
  /** Objects a page. Default: as many as the API server likes, all of them as a rule. */
  readonly pageSize?: number;
}

type Page = KubernetesListObject<KubernetesObject>;

/** Milliseconds for one page: the client library itself would wait without end. */
const pageMs = 30_000;

/**
 * The pages of a list, one after the other. Throws where one cannot be had, or is none.
 * INVARIANT: who got through to the end saw every object: what is no list is not an empty one.
 */
export async function* listPages(
  api: KubernetesObjectApi,
  { apiVersion, kind, pageSize }: Listing,
): AsyncGenerator<Page> {
  let next: string | undefined;
  do {
    const none = undefined;
    const page: Page = await inTime(
      api.list(apiVersion, kind, none, none, none, none, none, none, pageSize, next),
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

async function inTime<T>(answer: Promise<T>): Promise<T> {
  const timers: NodeJS.Timeout[] = [];
  const late = new Promise<never>((_resolve, reject) => {
    const give = (): void => reject(new Error(`no answer within ${pageMs / 1000} s`));
    timers.push(setTimeout(give, pageMs).unref());
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    for (const timer of timers) clearTimeout(timer);
  }
}
