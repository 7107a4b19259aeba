import { readFileSync } from "node:fs";

/** What a process has used, as Linux accounts it; undefined where there is no /proc or no such process. */
export interface ProcessUsage {
  /** User and system time in milliseconds, in steps of 10. */
  readonly cpuMs: number;
  readonly rssMiB: number;
}

export function processUsage(pid: number): ProcessUsage | undefined {
  try {
    // Fields after the command, which stands in parentheses and may hold anything: proc(5).
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const rss = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return { cpuMs: (Number(fields[11]) + Number(fields[12])) * 10, rssMiB: Number(rss ?? 0) / 1024 };
  } catch {
    return undefined;
  }
}
