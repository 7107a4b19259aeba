export type { QueueOptions } from "./fleet/bullmq.ts";
export { type ScanOptions, type ScanProgress, scan } from "./fleet/scan.ts";
export {
  type FileJournalOptions,
  fileJournal,
  memoryJournal,
  type ScanJournal,
  type ScanOutcome,
} from "./fleet/scan-journal.ts";
export { type QueuedScanOptions, queuedScan } from "./fleet/scan-queue.ts";
export { type ScanWorker, type ScanWorkerOptions, scanWorker } from "./fleet/scan-worker.ts";
