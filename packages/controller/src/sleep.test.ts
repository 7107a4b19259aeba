import { expect, test, vi } from "vitest";
import { type Alarm, createAlarm } from "./sleep.ts";

const hour = 3_600_000;

test.each<[string, (alarm: Alarm, stop: AbortController) => Promise<void>]>([
  [
    "was told to stop before",
    (alarm, stop) => {
      stop.abort();
      return alarm.sleep(hour, stop.signal);
    },
  ],
  [
    "is told to stop",
    (alarm, stop) => {
      const slept = alarm.sleep(hour, stop.signal);
      stop.abort();
      return slept;
    },
  ],
  [
    "is woken",
    (alarm, stop) => {
      const slept = alarm.sleep(hour, stop.signal);
      alarm.ring();
      return slept;
    },
  ],
  [
    "was rung for while still busy",
    (alarm, stop) => {
      alarm.ring();
      return alarm.sleep(hour, stop.signal);
    },
  ],
])(
  "whoever sleeps and %s goes on at once, and leaves no timer that keeps the process alive",
  async (_, run) => {
    vi.useFakeTimers();
    try {
      await run(createAlarm(), new AbortController());
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  },
);

test("what was heeded does not wake again", () => {
  vi.useFakeTimers();
  try {
    const alarm = createAlarm();
    alarm.ring();
    alarm.reset();
    void alarm.sleep(hour, new AbortController().signal);
    expect(vi.getTimerCount()).toBe(1);
  } finally {
    vi.useRealTimers();
  }
});
