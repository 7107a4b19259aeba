export { askRekor, type RekorAnswer, type RekorOptions, type RekorRequest } from "./rekor/ask-rekor.ts";
export { type RekorLogsOptions, rekorLogs } from "./rekor/rekor-logs.ts";
