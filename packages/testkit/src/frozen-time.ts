/** When the frozen clock stands, unless told otherwise. */
export const FROZEN_TIME = "2026-01-15T12:00:00Z";
