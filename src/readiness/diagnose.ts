/** A cause with the container's last words, as people need it to mend the service. */
import type { LogLine } from "../engine/engine.ts";
import type { LogSignature } from "../stack/stack.ts";
import { signatureIn } from "./clues.ts";
import type { WatchedEngine } from "./event-feed.ts";
import { explain } from "./explain.ts";
import type { Cause, Failure } from "./readiness.ts";

/** How many of the last lines are shown. */
const SHOWN_LINES = 20;

/** How many of them are searched for the service's signatures: what a traceback is about stands at its beginning. */
const SEARCHED_LINES = 200;

/** Explains why a service is not at its level; never throws, and has no log lines where none can be read. */
export async function diagnose(
  failing: Readonly<{
    engine: Readonly<{ containers: Pick<WatchedEngine["containers"], "logs"> }>;
    service: string;
    /** Undefined when there is no container. */
    containerId: string | undefined;
    cause: Cause;
    /** What is known of this software's last words. */
    signatures?: readonly LogSignature[] | undefined;
  }>,
): Promise<Failure> {
  const { engine, service, containerId, cause, signatures = [] } = failing;
  const read = signatures.length > 0 ? SEARCHED_LINES : SHOWN_LINES;
  const lines = containerId === undefined ? [] : await lastLines(engine, containerId, read);
  const logs = lines.slice(-SHOWN_LINES);
  const external = containerId === undefined;
  const known = signatureIn(lines, signatures);
  return { service, cause, ...explain(cause, { service, external, logs, known }), logs };
}

async function lastLines(
  engine: Readonly<{ containers: Pick<WatchedEngine["containers"], "logs"> }>,
  containerId: string,
  count: number,
): Promise<readonly LogLine[]> {
  const lines: LogLine[] = [];
  try {
    for await (const line of engine.containers.logs(containerId, { tail: count })) {
      lines.push(line);
      if (lines.length > count) lines.shift();
    }
  } catch {
    return lines;
  }
  return lines;
}
