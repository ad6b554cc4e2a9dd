/** A model store behind a gateway, as a script of answers. */
import { onTestFinished } from "vitest";
import type { ControlReply } from "../../src/gateway/protocol.ts";
import type { ModelPull } from "../../src/readiness/model-store.ts";
import { GatewayStub } from "./gateway-stub.ts";
import { toBeReady } from "./judge-steps.ts";
import { ManualClock } from "./manual-clock.ts";

/** What the store answers: each body line is sent as JSON, unless it is a text. */
export type Answer = Readonly<{
  status?: number;
  body: readonly unknown[];
  pieces?: number;
  open?: boolean;
}>;

/** A store that gives these answers by method and path; of several, the next each time and then the last again. */
export function storeOf(
  answers: Readonly<Record<string, Answer | readonly Answer[]>>,
  freeBytes?: number,
): GatewayStub {
  const turns = new Map<string, number>();
  return new GatewayStub((request, send) => {
    if (request.op === "disk") answerDisk(request.id, freeBytes, send);
    if (request.op !== "request") return;
    const key = `${request.method} ${request.path}`;
    const given = [answers[key] ?? { status: 404, body: [] }].flat();
    const turn = turns.get(key) ?? 0;
    turns.set(key, turn + 1);
    const answer = given[Math.min(turn, given.length - 1)] ?? { body: [] };
    const { status = 200, body, pieces = 1_000 } = answer;
    const text = body
      .map((line) => (typeof line === "string" ? line : `${JSON.stringify(line)}\n`))
      .join("");
    for (let at = 0; at < text.length; at += pieces) {
      send({ id: request.id, progress: { status, chunk: text.slice(at, at + pieces) } });
    }
    if (!answer.open) send({ id: request.id, ok: { status } });
  });
}

/** The disk has 1 TB; without a number the gateway is one of an older Nexus, which cannot tell. */
function answerDisk(
  id: number,
  freeBytes: number | undefined,
  send: (reply: ControlReply) => void,
): void {
  if (freeBytes !== undefined)
    return send({ id, ok: { free_bytes: freeBytes, total_bytes: 1e12 } });
  send({ id, error: { code: "invalid_request", message: "no such op" } });
}

/** A pull of `llama3.2:3b` from that store, an Ollama's unless it says otherwise. */
export function pulling(stub: GatewayStub, change: Partial<ModelPull> = {}): ModelPull {
  const upstream = toBeReady.upstream;
  if (!upstream) throw new Error("no upstream");
  const link = stub.link();
  onTestFinished(() => link.close());
  return {
    kind: "ollama",
    link,
    upstream,
    model: "llama3.2:3b",
    stallTimeoutMs: 60_000,
    clock: new ManualClock(),
    ...change,
  };
}
