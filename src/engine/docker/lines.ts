/** Text lines out of bytes that arrive in pieces. */
import { StringDecoder } from "node:string_decoder";

/** A line longer than this is cut, so that a program that never ends its line cannot fill the memory. */
export const longestLine = 256 * 1024;

/** Splits bytes into lines; a character cut between two chunks is kept whole. */
export class LineSplitter {
  readonly #decoder = new StringDecoder("utf8");
  readonly #cut: boolean;
  #rest = "";

  constructor({ cut }: Readonly<{ cut: boolean }> = { cut: true }) {
    this.#cut = cut;
  }

  /** The lines that this chunk completes, without their line ends. */
  push(chunk: Buffer): readonly string[] {
    const pieces = (this.#rest + this.#decoder.write(chunk)).split("\n");
    this.#rest = pieces.pop() ?? "";
    const lines = pieces.map(withoutReturn);
    while (this.#cut && this.#rest.length >= longestLine) {
      lines.push(this.#rest.slice(0, longestLine));
      this.#rest = this.#rest.slice(longestLine);
    }
    return lines;
  }

  /** What is left when no more comes; empty when the last line was ended. */
  end(): readonly string[] {
    const last = this.#rest + this.#decoder.end();
    this.#rest = "";
    return last === "" ? [] : [withoutReturn(last)];
  }
}

const withoutReturn = (line: string): string => (line.endsWith("\r") ? line.slice(0, -1) : line);
