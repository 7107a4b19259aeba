export { type Recording, recordingSources } from "./replay/recording-sources.ts";
export { replaySources } from "./replay/replay-sources.ts";
