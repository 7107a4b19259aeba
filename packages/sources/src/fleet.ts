export { type ScanOptions, type ScanProgress, scan } from "./fleet/scan.ts";
export {
  type FileJournalOptions,
  fileJournal,
  memoryJournal,
  type ScanJournal,
  type ScanOutcome,
} from "./fleet/scan-journal.ts";
export {
  type QueuedScanOptions,
  type QueueOptions,
  queuedScan,
  type ScanWorker,
  type ScanWorkerOptions,
  scanWorker,
} from "./fleet/scan-queue.ts";
