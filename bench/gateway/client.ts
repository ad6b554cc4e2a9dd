/** One keep-alive connection that asks and reads, without parsing more than it must. */
import { createConnection, type Socket } from "node:net";

/** Where to ask, and the headers that make the server answer. */
export type Target = Readonly<{ port: number; headers: Readonly<Record<string, string>> }>;

/** How one answer came. */
export type Reading = Readonly<{
  status: number;
  /** From the last byte of the request to the first byte of the answer's body. */
  firstByteMs: number;
  /** How often the socket had something to read: with 1:1 chunks, once a chunk. */
  reads: number;
  done: boolean;
}>;

/** The bytes of a request with a JSON body. */
export function requestBytes({ headers }: Target, body: string): Buffer {
  const lines = Object.entries({
    host: "127.0.0.1",
    "content-type": "application/json",
    ...headers,
    "content-length": String(Buffer.byteLength(body)),
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`POST /v1/chat/completions HTTP/1.1\r\n${lines.join("")}\r\n${body}`);
}

const nothing: Buffer = Buffer.alloc(0);
const lastChunk = Buffer.from("0\r\n\r\n");

/** A connection; one answer at a time. */
export class Connection {
  readonly #socket: Socket;
  #head = "";
  #status = 0;
  #bodyLeft: number | undefined;
  #tail: Buffer = Buffer.alloc(0);
  #reads = 0;
  #sentAt = 0;
  #firstByteMs = 0;
  #settle: ((reading: Reading) => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (bytes) => this.#read(bytes));
    socket.on("error", () => {});
    socket.on("close", () => this.#finish(false));
  }

  /** Connects; rejects when nobody accepts. */
  static open({ port }: Target): Promise<Connection> {
    const { promise, resolve, reject } = Promise.withResolvers<Connection>();
    const socket = createConnection({ port, host: "127.0.0.1", noDelay: true });
    socket.once("connect", () => resolve(new Connection(socket)));
    socket.once("error", reject);
    return promise;
  }

  /** Sends a request and reads its answer to the end. */
  ask(request: Buffer): Promise<Reading> {
    const { promise, resolve } = Promise.withResolvers<Reading>();
    this.#settle = resolve;
    this.#head = "";
    this.#status = 0;
    this.#reads = 0;
    this.#sentAt = performance.now();
    this.#firstByteMs = 0;
    this.#socket.write(request);
    return promise;
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(bytes: Buffer): void {
    this.#reads += 1;
    const body = this.#status === 0 ? this.#readHead(bytes) : bytes;
    if (body.length === 0) return;
    if (this.#firstByteMs === 0) this.#firstByteMs = performance.now() - this.#sentAt;
    if (this.#bodyLeft === undefined) return this.#readChunked(body);
    this.#bodyLeft -= body.length;
    if (this.#bodyLeft <= 0) this.#finish(true);
  }

  #readHead(bytes: Buffer): Buffer {
    const text = this.#head + bytes.toString("latin1");
    const end = text.indexOf("\r\n\r\n");
    if (end === -1) {
      this.#head = text;
      return nothing;
    }
    const before = this.#head.length;
    this.#status = Number(text.slice(9, 12));
    const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, end))?.[1];
    this.#bodyLeft = length === undefined ? undefined : Number(length);
    return bytes.subarray(end + 4 - before);
  }

  #readChunked(body: Buffer): void {
    const joined = body.length >= 5 ? body : Buffer.concat([this.#tail, body]);
    this.#tail = joined.subarray(-5);
    if (this.#tail.equals(lastChunk)) this.#finish(true);
  }

  #finish(done: boolean): void {
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.({ status: this.#status, firstByteMs: this.#firstByteMs, reads: this.#reads, done });
  }
}
