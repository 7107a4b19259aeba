import { monitorEventLoopDelay } from "node:perf_hooks";

/** How long the event loop was held up. Milliseconds. */
export interface Longest {
  /** This thread's own CPU time in one turn: what other processes do hardly counts. Linux counts in steps of up to 4 ms. */
  readonly cpu: number;
  /** Time on the clock, by a timer and as `monitorEventLoopDelay` sees it. */
  readonly wall: number;
  readonly delay: number;
}

/** Measures until it is told to stop. A timer is due in every turn of the event loop that is a millisecond later. */
export function measureTurns(): { stop(): Longest } {
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  histogram.enable();
  let [cpu, wall] = [0, 0];
  let [cpuThen, wallThen] = [cpuNow(), performance.now()];
  const beat = (): void => {
    const [cpuNext, wallNext] = [cpuNow(), performance.now()];
    cpu = Math.max(cpu, cpuNext - cpuThen);
    wall = Math.max(wall, wallNext - wallThen);
    [cpuThen, wallThen] = [cpuNext, wallNext];
  };
  const timer = setInterval(beat, 1);
  return {
    stop() {
      clearInterval(timer);
      beat();
      histogram.disable();
      return { cpu, wall, delay: Math.max(0, histogram.max / 1e6 - 1) };
    },
  };
}

function cpuNow(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
