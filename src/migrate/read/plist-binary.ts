/** Binary property lists (bplist00, as Apple's CFBinaryPList.c writes them), bounded against files that grow when they are read. Pure. */
import type { Part } from "./document.ts";

/* Libraries for these files follow shared references without a bound (forty arrays of two are 2^40 values), and print what they do not like. */

/** Values of a list, those that are referred to several times included. */
const mostParts = 50_000;
const deepest = 100;
const trailerBytes = 32;

/** Whether these bytes say that they are a binary property list. */
export function isBinaryPlist(bytes: Buffer): boolean {
  return bytes.toString("latin1", 0, 6) === "bplist";
}

/** Parses a binary property list; undefined when it is none, refers to itself, or grows beyond what settings hold. */
export function parseBinaryPlist(bytes: Buffer): Part | undefined {
  try {
    return new BinaryPlist(bytes).read();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Every misread throws a RangeError, as reading outside of a buffer does. */
class BinaryPlist {
  readonly #bytes: Buffer;
  readonly #trailer: number;
  readonly #texts = new Map<number, string>();
  #left = mostParts;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#trailer = bytes.length - trailerBytes;
  }

  read(): Part {
    return this.#part(this.#unsigned(this.#trailer + 16, 8), 0);
  }

  #part(reference: number, depth: number): Part {
    this.#left -= 1;
    if (this.#left < 0 || depth > deepest) throw new RangeError("too large");
    const at = this.#offset(reference);
    const kind = this.#bytes.readUInt8(at) >> 4;
    if (kind === 0xd) return this.#map(at, depth);
    if (kind === 0xa || kind === 0xc) {
      const items = this.#references(at).map((item) => this.#part(item, depth + 1));
      return { line: 0, kind: "list", items };
    }
    return { line: 0, kind: "scalar", value: this.#scalar(reference, at, kind) };
  }

  #map(at: number, depth: number): Part {
    const references = this.#references(at, 2);
    const half = references.length / 2;
    const entries = new Map<string, Part>();
    for (const [index, reference] of references.slice(0, half).entries()) {
      const name = this.#part(reference, depth + 1);
      const value = references[half + index] ?? 0;
      if (name.kind !== "scalar") throw new RangeError("a name that is no text");
      entries.set(String(name.value), this.#part(value, depth + 1));
    }
    return { line: 0, kind: "map", entries };
  }

  #scalar(reference: number, at: number, kind: number): string | number | boolean | null {
    const info = this.#bytes.readUInt8(at) & 15;
    if (kind === 0) return info === 8 || info === 9 ? info === 9 : null;
    if (kind === 1) return this.#integer(at + 1, 2 ** info);
    if (kind === 2 || kind === 3)
      return info === 2 ? this.#bytes.readFloatBE(at + 1) : this.#bytes.readDoubleBE(at + 1);
    if (kind === 8) return this.#unsigned(at + 1, info + 1);
    return this.#text(reference, at, kind);
  }

  /** A text, or bytes as base64; decoded once however often it is referred to. */
  #text(reference: number, at: number, kind: number): string {
    const known = this.#texts.get(reference);
    if (known !== undefined) return known;
    const { start, count } = this.#extent(at);
    const length = kind === 6 ? count * 2 : count;
    if (kind < 4 || kind > 6 || start + length > this.#trailer) throw new RangeError("no text");
    const bytes = Buffer.from(this.#bytes.subarray(start, start + length));
    const wide = kind === 6 ? bytes.swap16().toString("utf16le") : "";
    const text = kind === 6 ? wide : bytes.toString(kind === 4 ? "base64" : "latin1");
    this.#texts.set(reference, text);
    return text;
  }

  #references(at: number, perItem = 1): number[] {
    const { start, count } = this.#extent(at);
    if (count > this.#left) throw new RangeError("too large");
    const size = this.#bytes.readUInt8(this.#trailer + 7);
    return Array.from({ length: count * perItem }, (_, index) =>
      this.#unsigned(start + index * size, size),
    );
  }

  /** Where the contents begin, and how many there are: in the marker itself, or in a number behind it. */
  #extent(at: number): { start: number; count: number } {
    const info = this.#bytes.readUInt8(at) & 15;
    if (info < 15) return { start: at + 1, count: info };
    const size = 2 ** (this.#bytes.readUInt8(at + 1) & 15);
    return { start: at + 2 + size, count: this.#unsigned(at + 2, size) };
  }

  #offset(reference: number): number {
    const count = this.#unsigned(this.#trailer + 8, 8);
    if (reference >= count) throw new RangeError("a reference to nothing");
    const size = this.#bytes.readUInt8(this.#trailer + 6);
    const table = this.#unsigned(this.#trailer + 24, 8);
    return this.#unsigned(table + reference * size, size);
  }

  #unsigned(at: number, size: number): number {
    return size === 8 ? Number(this.#bytes.readBigUInt64BE(at)) : this.#bytes.readUIntBE(at, size);
  }

  /** Only of eight bytes and more is the first bit a sign. */
  #integer(at: number, size: number): number {
    if (size === 16) return Number(this.#bytes.readBigInt64BE(at + 8));
    return size === 8 ? Number(this.#bytes.readBigInt64BE(at)) : this.#unsigned(at, size);
  }
}
