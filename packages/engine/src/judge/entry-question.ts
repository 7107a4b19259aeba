import type { Digest, ImageReference } from "@assay/image";
import type { RegistryAccess } from "../gather/lookup.ts";
import type { CompiledEntry } from "../plan/compile.ts";
import type { PositionAt } from "../plan/condition-positions.ts";
import type { RuleScope } from "./rule-scope.ts";

/** One image as one entry of `verifyImages` sees it. */
export interface EntryQuestion {
  readonly positionAt: PositionAt;
  readonly entry: CompiledEntry;
  readonly image: ImageReference;
  /** The image's own, or what its tag was resolved to, once for the whole request; absent where nothing needs it. */
  readonly digest?: Digest;
  readonly access?: RegistryAccess;
  readonly scope: RuleScope;
  /** Whether another entry of the rule verifies the image: that is what `required` asks for. */
  readonly verifiedByOther?: boolean;
  /** `registry/path` where the entry's evidence is, if not beside the image. */
  readonly repository?: string;
}
