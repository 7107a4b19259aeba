import { rememberingCheck } from "@assay/conditions";

/** `check` for the conditions of policies and exceptions: those are frozen, so that each is parsed once. */
export const checkConditions: ReturnType<typeof rememberingCheck> = rememberingCheck();
