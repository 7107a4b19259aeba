import { readdirSync, readFileSync } from "node:fs";

/** What a process and its children have used, as Linux accounts it. */
export interface ProcessUsage {
  /** User and system time in milliseconds, in steps of 10. */
  readonly cpuMs: number;
  readonly rssMiB: number;
  /** Largest resident set since the start. */
  readonly peakMiB: number;
}

/** Undefined where there is no /proc or no such process. */
export function processUsage(pid: number): ProcessUsage | undefined {
  try {
    // Fields after the command, which stands in parentheses and may hold anything: proc(5).
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const mebibytes = (name: string): number =>
      Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) / 1024;
    const own = {
      cpuMs: (Number(fields[11]) + Number(fields[12])) * 10,
      rssMiB: mebibytes("VmRSS"),
      peakMiB: mebibytes("VmHWM"),
    };
    return childrenOf(pid).reduce((sum, child) => add(sum, processUsage(child)), own);
  } catch {
    return undefined;
  }
}

/** Whoever hands its work to processes of its own pays for them too. */
function childrenOf(pid: number): readonly number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean).map(Number),
  );
}

function add(one: ProcessUsage, other: ProcessUsage | undefined): ProcessUsage {
  if (other === undefined) return one;
  return {
    cpuMs: one.cpuMs + other.cpuMs,
    rssMiB: one.rssMiB + other.rssMiB,
    peakMiB: one.peakMiB + other.peakMiB,
  };
}
