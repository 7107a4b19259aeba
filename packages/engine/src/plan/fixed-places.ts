import type { ObjectFacts } from "./object-facts.ts";

/**
 * Below which pointer no update can change an image that is there: a Job's template, a Pod's ephemeral containers, and
 * through `pods/ephemeralcontainers` everything that the Pod has. What stands there cannot be pinned: the API server refuses
 * the whole update then, whatever it is about. Undefined: everything can be changed, or is new.
 */
export function fixedPlaces({ request, operation, object }: ObjectFacts): string | undefined {
  if (operation !== "UPDATE" || request.oldResource === undefined) return undefined;
  const { subresource = "" } = request;
  const place = `${String(object["apiVersion"])} ${String(object["kind"])} ${subresource}`;
  return Object.hasOwn(places, place) ? places[place] : undefined;
}

const places: Readonly<Record<string, string>> = {
  "v1 Pod ": "/spec/ephemeralContainers/",
  "v1 Pod ephemeralcontainers": "/",
  "batch/v1 Job ": "/spec/template/",
};
