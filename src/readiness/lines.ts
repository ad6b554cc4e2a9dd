/** Lines out of a stream of bytes that may break anywhere, also inside a character. */
import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";

/** Tells every non-empty line of the stream as it arrives, and what follows the last newline when it ends. */
export function readLines(stream: Readable, onLine: (line: string) => void): void {
  const decoder = new StringDecoder("utf8");
  const lines = new LineSplitter(onLine);
  stream.on("data", (chunk: Buffer | string) => {
    lines.push(typeof chunk === "string" ? chunk : decoder.write(chunk));
  });
  stream.once("end", () => {
    lines.push(decoder.end());
    lines.end();
  });
}

/** In characters: a line without an end must not fill the memory, and no program that is spoken to here writes one as long. */
const longestLine = 32 * 1024 * 1024;

/** Splits text that arrives in pieces, and a line that is too long into several; the time it takes grows with the text, not with the number of pieces. */
export class LineSplitter {
  readonly #onLine: (line: string) => void;
  #pieces: string[] = [];
  #length = 0;

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  push(text: string): void {
    const parts = text.split("\n");
    const rest = parts.pop() ?? "";
    for (const part of parts) {
      this.#pieces.push(part);
      this.end();
    }
    if (rest) this.#pieces.push(rest);
    this.#length = parts.length > 0 ? rest.length : this.#length + rest.length;
    if (this.#length >= longestLine) this.end();
  }

  /** Tells what is left as a last line. */
  end(): void {
    const line = this.#pieces.join("").trimEnd();
    this.#pieces = [];
    this.#length = 0;
    if (line) this.#onLine(line);
  }
}

/** The last few lines of something. */
export class Tail {
  readonly #limit: number;
  readonly #lines: string[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  push(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > this.#limit) this.#lines.shift();
  }

  text(): string {
    return this.#lines.join("\n");
  }
}
