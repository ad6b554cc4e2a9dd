/** The control channel's socket: lines in, lines out, any number of clients and of operations at once. */
import { chmodSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";
import type { App } from "../app.ts";
import { carryOut, ControlFailure, type Ports } from "./operations.ts";
import { crashReason } from "../metrics/log.ts";
import { readOrder, type ControlOrder } from "./requests.ts";
import { KeyRefused } from "../keys/key-ring.ts";
import { UserRefused } from "../users/user-book.ts";
import type { ControlReply } from "../protocol.ts";

/** An open control channel. */
export type ControlServer = Readonly<{ close: () => Promise<void> }>;

/** Opens the socket (mode 0600) in place of one that an earlier process left behind. */
export async function openControl(app: App, ports: Ports): Promise<ControlServer> {
  const { socket: path } = app.settings;
  rmSync(path, { force: true });
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    void converse(app, ports, socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  chmodSync(path, 0o600);
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  return { close };
}

/** Serves one client until it hangs up; what it left unfinished is cancelled then. */
async function converse(app: App, ports: Ports, socket: Socket): Promise<void> {
  const conversation = new Conversation(app, ports, socket);
  socket.on("error", () => conversation.cancelAll());
  socket.once("close", () => conversation.cancelAll());
  const lines = createInterface({ input: socket, crlfDelay: Infinity });
  lines.on("line", (line) => {
    if (line.trim() !== "") conversation.take(line);
  });
  socket.once("end", () => {
    conversation.cancelAll();
    void conversation.settled().then(() => socket.end());
  });
}

class Conversation {
  readonly #app: App;
  readonly #ports: Ports;
  readonly #socket: Socket;
  readonly #running = new Map<number, AbortController>();
  readonly #operations = new Set<Promise<void>>();
  #drained: Promise<void> | undefined;

  constructor(app: App, ports: Ports, socket: Socket) {
    this.#app = app;
    this.#ports = ports;
    this.#socket = socket;
  }

  take(line: string): void {
    const read = readOrder(line);
    if ("error" in read) return this.#reply(read);
    const { order } = read;
    if (order.op === "cancel") {
      this.#running.get(order.request)?.abort();
      return this.#reply({ id: order.id, ok: null });
    }
    const operation = this.#carryOut(order).finally(() => this.#operations.delete(operation));
    this.#operations.add(operation);
  }

  cancelAll(): void {
    for (const controller of this.#running.values()) controller.abort();
  }

  async settled(): Promise<void> {
    // An operation is still being entered when the last line and the end arrive in one piece.
    await Promise.all(this.#operations);
  }

  async #carryOut(order: Exclude<ControlOrder, { op: "cancel" }>): Promise<void> {
    const { id } = order;
    const controller = new AbortController();
    this.#running.set(id, controller);
    try {
      const progress = (value: unknown) => this.#reply({ id, progress: value });
      const { signal } = controller;
      const catchingUp = () => this.#catchingUp();
      const context = { app: this.#app, ports: this.#ports, progress, catchingUp, signal };
      this.#reply({ id, ok: await carryOut(order, context) });
    } catch (error) {
      this.#reply({ id, error: describe(error, controller.signal.aborted) });
      if (!isExpected(error)) this.#logCrash(order.op, error);
    } finally {
      this.#running.delete(id);
    }
  }

  #logCrash(op: string, error: unknown): void {
    this.#app.log("error", "control.failed", { op, reason: crashReason(error) });
  }

  /** One wait for everything under way, however much that is. */
  #catchingUp(): Promise<void> | undefined {
    const socket = this.#socket;
    if (!socket.writable || !socket.writableNeedDrain) return undefined;
    this.#drained ??= new Promise((resolve) => {
      const settle = () => {
        socket.off("drain", settle).off("close", settle);
        this.#drained = undefined;
        resolve();
      };
      socket.once("drain", settle).once("close", settle);
    });
    return this.#drained;
  }

  #reply(reply: ControlReply): void {
    if (this.#socket.writable) this.#socket.write(`${JSON.stringify(reply)}\n`);
  }
}

function isExpected(error: unknown): error is ControlFailure | KeyRefused | UserRefused {
  return (
    error instanceof ControlFailure || error instanceof KeyRefused || error instanceof UserRefused
  );
}

function describe(error: unknown, aborted: boolean): Readonly<{ code: string; message: string }> {
  if (isExpected(error)) return { code: error.code, message: error.message };
  if (aborted) return { code: "cancelled", message: "The request was cancelled." };
  return { code: "internal_error", message: error instanceof Error ? error.message : "unknown" };
}
