/** Bodies that must be read whole before they can be routed, and are too large for memory. */
import { randomUUID } from "node:crypto";
import { mkdir, open, unlink, type FileHandle } from "node:fs/promises";
import { join } from "node:path";

/** How much of the disk all spools together may take. */
type Room = Readonly<{ take: (bytes: number) => boolean; give: (bytes: number) => void }>;

const pieceBytes = 64 * 1024;

/** Bytes in a file without a name: it is gone when it is closed, and when the process ends. */
export class Spool {
  readonly #file: FileHandle;
  readonly #room: Room;
  #bytes = 0;
  #closing: Promise<void> | undefined;

  private constructor(file: FileHandle, room: Room) {
    this.#file = file;
    this.#room = room;
  }

  /** Opens an empty spool in a folder, which is made if need be; fails as the file system does. */
  static async open(folder: string, room: Room): Promise<Spool> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const path = join(folder, randomUUID());
    const file = await open(path, "wx+", 0o600);
    await unlink(path);
    return new Spool(file, room);
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Adds bytes at the end; fails as the file system does, and when there is no room. */
  async append(chunk: Buffer): Promise<void> {
    if (this.#closing || !this.#room.take(chunk.length)) throw new Error("there is no room");
    this.#bytes += chunk.length;
    await this.#file.appendFile(chunk);
  }

  /** Reads the bytes from `start` to `end`; may be called again, and at the same time. */
  async *read(start: number, end: number): AsyncGenerator<Buffer> {
    for (let at = start; at < end;) {
      const length = Math.min(pieceBytes, end - at);
      const { bytesRead, buffer } = await this.#file.read(Buffer.alloc(length), 0, length, at);
      if (bytesRead === 0) throw new Error("the spool is shorter than what was written");
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }

  /** Forgets the bytes; closing twice is closing once. */
  close(): Promise<void> {
    if (!this.#closing) {
      this.#room.give(this.#bytes);
      this.#closing = this.#file.close();
    }
    return this.#closing;
  }
}
