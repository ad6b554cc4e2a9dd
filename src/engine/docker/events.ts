/** What happens on the engine to the things of one stack. */
import { z } from "zod";
import type { EngineEvent } from "../engine.ts";
import type { DockerClient } from "./client.ts";
import { EngineLostError } from "../errors/connection.ts";
import { readInfo } from "./describe.ts";
import { readJsonLines } from "./json-lines.ts";
import { stackLabel } from "./labels.ts";

/** An event as `GET /events` sends it (Engine API 1.41 to 1.52; the fields removed in 1.52 are not read). */
const rawEvent = z.object({
  Type: z.enum(["container", "network", "volume", "image"]),
  Action: z.string(),
  Actor: z.object({ ID: z.string(), Attributes: z.record(z.string(), z.string()).nullish() }),
  timeNano: z.number(),
});

/**
 * Subscribes at once and yields events from the engine's present on, of things that carry the stack's label.
 * Ends when `signal` aborts; throws EngineLostError when the stream ends otherwise.
 */
export function watchEvents(
  client: DockerClient,
  stack: string,
  signal: AbortSignal,
): AsyncIterable<EngineEvent> {
  const call = "watch events";
  const opened = subscribe(client, { call, stack, signal, calledAt: Date.now() });
  opened.catch(() => undefined);
  return readEvents(client, call, opened, signal);
}

// From the engine's own clock, so that nothing is missed while the subscription is on its way.
async function subscribe(
  client: DockerClient,
  {
    call,
    stack,
    signal,
    calledAt,
  }: Readonly<{ call: string; stack: string; signal: AbortSignal; calledAt: number }>,
): Promise<AsyncIterable<Buffer>> {
  const { skewMs, roundTripMs } = await readInfo(client);
  const since = Math.floor(calledAt + skewMs - roundTripMs / 2) / 1000;
  const filters = { label: [`${stackLabel}=${stack}`] };
  return client.stream(
    call,
    async (docker, options) => docker.getEvents({ since, filters, ...options }),
    signal,
  );
}

async function* readEvents(
  client: DockerClient,
  call: string,
  opened: Promise<AsyncIterable<Buffer>>,
  signal: AbortSignal,
): AsyncGenerator<EngineEvent> {
  try {
    for await (const line of readJsonLines(await opened)) {
      const event = rawEvent.safeParse(line);
      if (event.success) yield readEvent(event.data);
    }
  } catch (error) {
    if (signal.aborted) return;
    throw client.streamFailure(call, error);
  }
  if (!signal.aborted) throw new EngineLostError(call);
}

function readEvent({ Type, Action, Actor, timeNano }: z.infer<typeof rawEvent>): EngineEvent {
  const attributes = Actor.Attributes ?? {};
  // Podman says `containerExitCode`.
  const exitCode = attributes["exitCode"] ?? attributes["containerExitCode"];
  return {
    type: Type,
    action: Action,
    id: Actor.ID,
    name: attributes["name"] ?? Actor.ID,
    attributes,
    ...(Action === "die" && exitCode !== undefined ? { exitCode: Number(exitCode) } : {}),
    timeNano: BigInt(timeNano),
  };
}
