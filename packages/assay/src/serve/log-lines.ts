import type { Logger } from "@assay/engine";
import { type Terminal, warnOnce } from "../terminal/terminal.ts";

/** One line a message on standard output: JSON for collectors, or text for people. */
export function logLines(terminal: Terminal, format: "json" | "text"): Logger {
  const write = (level: string, fields: Readonly<Record<string, unknown>>, message: string): void => {
    const time = terminal.now().toISOString();
    const line =
      format === "json"
        ? JSON.stringify({ time, level, message, ...fields })
        : `${time} ${level.padEnd(5)} ${message} ${JSON.stringify(fields)}`;
    terminal.out(`${line}\n`);
  };
  return {
    info: (fields, message) => write("info", fields, message),
    warn: (fields, message) => write("warn", fields, message),
    error: (fields, message) => write("error", fields, message),
  };
}

/** The terminal of a server: what it is warned of is in the log, in the log's own form. */
export function loggingTerminal(terminal: Terminal, logger: Logger): Terminal {
  return { ...terminal, warn: warnOnce((text) => logger.warn({}, text)) };
}
