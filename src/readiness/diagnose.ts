/** A cause with the container's last words, as people need it to mend the service. */
import type { LogLine } from "../engine/engine.ts";
import type { WatchedEngine } from "./event-feed.ts";
import { explain } from "./explain.ts";
import type { Cause, Failure } from "./readiness.ts";

/** How many of the last lines are shown. */
const LOG_LINES = 20;

/** Explains why a service is not at its level; never throws, and has no log lines where none can be read. */
export async function diagnose(
  failing: Readonly<{
    engine: Readonly<{ containers: Pick<WatchedEngine["containers"], "logs"> }>;
    service: string;
    /** Undefined when there is no container. */
    containerId: string | undefined;
    cause: Cause;
  }>,
): Promise<Failure> {
  const { engine, service, containerId, cause } = failing;
  const logs = containerId === undefined ? [] : await lastLines(engine, containerId);
  const external = containerId === undefined;
  return { service, cause, ...explain(cause, { service, external, logs }), logs };
}

async function lastLines(
  engine: Readonly<{ containers: Pick<WatchedEngine["containers"], "logs"> }>,
  containerId: string,
): Promise<readonly LogLine[]> {
  const lines: LogLine[] = [];
  try {
    for await (const line of engine.containers.logs(containerId, { tail: LOG_LINES })) {
      lines.push(line);
      if (lines.length > LOG_LINES) lines.shift();
    }
  } catch {
    return lines;
  }
  return lines;
}
