/** Docker's multiplexed stream: frames of an 8-byte header `[type, 0, 0, 0, length big-endian]` and a payload. */
import { Transform } from "node:stream";
import type { Readable, TransformCallback } from "node:stream";
import { PassThrough } from "node:stream";

/** A piece of output; `system` is the engine speaking of its own failure (type 3). */
export type Frame = Readonly<{ stream: "stdout" | "stderr" | "system"; payload: Buffer }>;

const headerBytes = 8;

/** Splits chunks into frames, in a loop: any number of frames of any length, cut anywhere. */
export class FrameSplitter {
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #wanted = headerBytes;
  #header: Buffer | undefined;

  /** The parts that this chunk completes; long payloads come as they arrive, not whole. */
  *push(chunk: Buffer): Generator<Frame> {
    this.#pending.push(chunk);
    this.#pendingBytes += chunk.length;
    while (
      this.#pendingBytes >= this.#wanted ||
      (this.#header !== undefined && this.#pendingBytes > 0)
    ) {
      if (this.#header === undefined) this.#startFrame(this.#take(headerBytes));
      else yield this.#nextPart(this.#header);
    }
  }

  #startFrame(header: Buffer): void {
    const length = header.readUInt32BE(4);
    this.#header = length === 0 ? undefined : header;
    this.#wanted = length === 0 ? headerBytes : length;
  }

  #nextPart(header: Buffer): Frame {
    const payload = this.#take(Math.min(this.#wanted, this.#pendingBytes));
    this.#wanted -= payload.length;
    if (this.#wanted === 0) this.#startNext();
    return { stream: streamNames[header[0] ?? 1] ?? "stdout", payload };
  }

  #startNext(): void {
    this.#header = undefined;
    this.#wanted = headerBytes;
  }

  #take(bytes: number): Buffer {
    const [first] = this.#pending;
    const whole =
      first !== undefined && first.length >= bytes && this.#pending.length === 1
        ? first
        : Buffer.concat(this.#pending, this.#pendingBytes);
    this.#pendingBytes = whole.length - bytes;
    this.#pending = this.#pendingBytes === 0 ? [] : [whole.subarray(bytes)];
    return whole.subarray(0, bytes);
  }
}

const streamNames = ["stdout", "stdout", "stderr", "system"] as const;

/** Splits a multiplexed stream into stdout and stderr, holding it back when either reader is slow. */
export function demultiplex(source: Readable): Readonly<{ stdout: Readable; stderr: Readable }> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const splitter = new FrameSplitter();
  const sink = new Transform({
    transform(chunk: Buffer, _encoding, done: TransformCallback) {
      let full: PassThrough | undefined;
      for (const { stream, payload } of splitter.push(chunk)) {
        const target = stream === "stdout" ? stdout : stderr;
        if (!target.write(payload)) full = target;
      }
      if (full === undefined || full.destroyed) done();
      else full.once("drain", () => done());
    },
    flush(done) {
      stdout.end();
      stderr.end();
      done();
    },
  });
  const fail = (error: Error) => {
    stdout.destroy(error);
    stderr.destroy(error);
  };
  source.once("error", fail);
  sink.once("error", fail);
  source.pipe(sink).resume();
  return { stdout, stderr };
}
