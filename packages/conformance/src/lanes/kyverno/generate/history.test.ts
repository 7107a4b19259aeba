import { expect, test } from "vitest";
import type { Asked } from "../comparison.ts";
import { historyOf, type Step } from "./history.ts";
import { imagesOf, type Workload } from "./objects.ts";
import type { Review } from "./reviews.ts";

const by = { uid: "1", userInfo: { username: "alice", groups: [] }, dryRun: false };
const step = (change: Step["change"], patchedBy: Step["patchedBy"] = "kyverno"): Step => ({
  ...{ by, change, patchedBy },
});
const noChange = step({ what: "nothing" });

function deployment(image: string): Workload {
  const template = { spec: { containers: [{ name: "c0", image }] } };
  const metadata = { name: "h", namespace: "s0" };
  return { apiVersion: "apps/v1", kind: "Deployment", metadata, spec: { replicas: 2, template } };
}

/** Both say the same, and each patches what it allows. */
function answered(review: Review, allowed: boolean): Asked {
  const side = (image: string) => ({ allowed, failures: {}, object: review.object && deployment(image) });
  return { policies: [], review, kyverno: side("by-kyverno"), assay: side("by-assay") };
}

/** What is asked where the answers say this. */
function asked(steps: readonly Step[], allowed: readonly boolean[]): readonly Review[] {
  const reviews = historyOf({ object: deployment("made"), steps });
  const found: Review[] = [];
  for (let next = reviews.next(); next.done !== true; ) {
    found.push(next.value);
    next = reviews.next(answered(next.value, allowed[found.length - 1] === true));
  }
  return found;
}

const told = ({ operation, object, oldObject }: Review): readonly unknown[] => [
  ...[operation, [...imagesOf(object).values()][0], [...imagesOf(oldObject).values()][0]],
];

test("an update is about what was stored: as the one side patched it, or the other", () => {
  const image = step({ what: "image", index: 0, image: "new" }, "assay");
  expect(asked([noChange, image, noChange], [true, true, true]).map(told)).toEqual([
    ["CREATE", "made", undefined],
    ["UPDATE", "new", "by-kyverno"],
    ["UPDATE", "by-assay", "by-assay"],
  ]);
});

test("what is denied stays as it was, and what cannot be created was there before the policies", () => {
  const image = step({ what: "image", index: 0, image: "new" });
  expect(asked([noChange, image, noChange], [false, false, false]).map(told)).toEqual([
    ["CREATE", "made", undefined],
    ["UPDATE", "new", "made"],
    ["UPDATE", "made", "made"],
  ]);
});

test("what is deleted is made anew", () => {
  const steps = [noChange, step({ what: "delete" }), noChange];
  expect(asked(steps, [true, true, true]).map(({ operation }) => operation)).toEqual([
    ...["CREATE", "DELETE", "CREATE"],
  ]);
});

test("the scale subresource has an object of its own", () => {
  const [, scaled] = asked([noChange, step({ what: "scale", replicas: 4 })], [true, true]);
  expect(scaled).toMatchObject({
    subResource: "scale",
    kind: { kind: "Scale", group: "autoscaling" },
    resource: { group: "apps", resource: "deployments" },
    object: { kind: "Scale", spec: { replicas: 4 } },
    oldObject: { kind: "Scale", spec: { replicas: 2 } },
  });
});
