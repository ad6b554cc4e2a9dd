/** A unix socket in front of an engine that records every call and can make chosen calls go wrong. */
import {
  type ClientRequest,
  createServer,
  type IncomingMessage,
  request,
  type ServerResponse,
} from "node:http";
import { connect, type Socket } from "node:net";
import { rmSync } from "node:fs";
import type { Duplex } from "node:stream";

/** What happens to a call instead of being forwarded as it is. */
export type Fault = Readonly<
  | { kind: "hang" }
  | { kind: "reset" }
  | { kind: "answer"; status: number; message: string }
  | { kind: "delay"; ms: number }
  | { kind: "cut"; afterBytes: number }
  | { kind: "lose-answer" }
>;

/** Meets calls whose `METHOD /path` matches, at most `times` times (default: always). */
export type Rule = Readonly<{ match: RegExp; fault: Fault; times?: number }>;

/** A call as it passed the proxy; `path` has no API version. */
export type RecordedCall = Readonly<{ method: string; path: string }>;

/** A running proxy. */
export type EngineProxy = Readonly<{
  socketPath: string;
  dockerHost: string;
  /** Every call so far, oldest first. */
  calls: readonly RecordedCall[];
  /** The calls that change something on the engine. */
  writes: () => readonly RecordedCall[];
  [Symbol.asyncDispose]: () => Promise<void>;
}>;

/** Starts a proxy at `socketPath` in front of `target`; rules are tried in order, the first match counts. */
export async function startEngineProxy(
  places: Readonly<{ socketPath: string; target: string }>,
  rules: readonly Rule[] = [],
): Promise<EngineProxy> {
  const calls: RecordedCall[] = [];
  const open = new Set<Socket>();
  const choose = chooser(rules);
  const noted = (incoming: IncomingMessage) => {
    const path = (incoming.url ?? "/").replace(/^\/v1\.\d+/, "");
    const call = { method: incoming.method ?? "GET", path };
    calls.push(call);
    return choose(`${call.method} ${call.path}`);
  };
  const server = createServer((incoming, outgoing) => {
    meet({ incoming, outgoing, target: places.target }, noted(incoming));
  });
  server.on("connection", (socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
  });
  server.on("upgrade", (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (noted(incoming) === undefined) tunnel(incoming, socket, { head, target: places.target });
    else socket.destroy();
  });
  rmSync(places.socketPath, { force: true });
  await new Promise<void>((resolve) => server.listen(places.socketPath, resolve));
  return {
    socketPath: places.socketPath,
    dockerHost: `unix://${places.socketPath}`,
    calls,
    writes: () => calls.filter(isWrite),
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Looking into a container by exec changes nothing of the engine's. */
function isWrite({ method, path }: RecordedCall): boolean {
  return !["GET", "HEAD"].includes(method) && !/\/exec$|^\/exec\//.test(path);
}

function chooser(rules: readonly Rule[]): (call: string) => Fault | undefined {
  const left = new Map(rules.map((rule) => [rule, rule.times ?? Infinity]));
  return (call) => {
    const rule = rules.find((each) => each.match.test(call) && (left.get(each) ?? 0) > 0);
    if (rule === undefined) return undefined;
    left.set(rule, (left.get(rule) ?? 0) - 1);
    return rule.fault;
  };
}

type Passage = Readonly<{ incoming: IncomingMessage; outgoing: ServerResponse; target: string }>;

function meet(passage: Passage, fault: Fault | undefined): void {
  switch (fault?.kind) {
    case "hang":
      return;
    case "reset":
      passage.incoming.socket.destroy();
      return;
    case "answer":
      passage.outgoing.writeHead(fault.status, { "content-type": "application/json" });
      passage.outgoing.end(JSON.stringify({ message: fault.message }));
      return;
    case "delay":
      setTimeout(() => forward(passage), fault.ms);
      return;
    case "cut":
      forward(passage, fault.afterBytes);
      return;
    case "lose-answer":
      forward(passage, 0);
      return;
    case undefined:
      forward(passage);
  }
}

/** Forwards a call; the answer is cut after `limit` bytes of body. */
function forward({ incoming, outgoing, target }: Passage, limit = Infinity): void {
  const { method, url, headers } = incoming;
  const onward = request({ socketPath: target, method, path: url, headers }, (answer) => {
    if (limit === 0) {
      outgoing.destroy();
      return;
    }
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    outgoing.flushHeaders();
    let passed = 0;
    answer.on("data", (chunk: Buffer) => {
      passed += chunk.length;
      if (passed <= limit) outgoing.write(chunk);
      else outgoing.destroy();
    });
    answer.on("end", () => outgoing.end());
    answer.on("error", () => outgoing.destroy());
  });
  onward.on("error", () => outgoing.destroy());
  outgoing.on("close", () => onward.destroy());
  sendWhole(incoming, onward);
}

/**
 * One write for head and body: the engine may answer and hang up before a body that is piped has ended, and the
 * write of nothing that ends it would then destroy the answer.
 */
function sendWhole(incoming: IncomingMessage, onward: ClientRequest): void {
  const body: Buffer[] = [];
  incoming.on("data", (chunk: Buffer) => body.push(chunk));
  incoming.on("end", () => onward.end(Buffer.concat(body)));
}

/** Hands an upgraded (exec, attach) connection through, byte for byte. */
function tunnel(
  incoming: IncomingMessage,
  socket: Duplex,
  { head, target }: Readonly<{ head: Buffer; target: string }>,
): void {
  const engine = connect(target);
  const lines = incoming.rawHeaders.reduce(
    (text, word, index) => text + (index % 2 === 0 ? `${word}: ` : `${word}\r\n`),
    "",
  );
  engine.write(`${incoming.method} ${incoming.url} HTTP/1.1\r\n${lines}\r\n`);
  engine.write(head);
  engine.pipe(socket).pipe(engine);
  engine.on("error", () => socket.destroy());
  socket.on("error", () => engine.destroy());
}
