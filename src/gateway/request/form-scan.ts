/**
 * Follows a multipart form while it passes by and finds its `model`, without keeping or changing a byte.
 * Values are skipped by a native search, so the cost hardly depends on their size.
 */
import { isUtf8 } from "node:buffer";
import { InvalidBody } from "./invalid-body.ts";
import type { Place } from "./splice.ts";
import { readPartHead } from "./part-head.ts";

/** The field that routing needs, and where its value stands in the body. */
export type FormModel = Place & Readonly<{ value: string }>;

const longestBoundary = 70;
const longestHeadBytes = 8 * 1024;
const longestValueBytes = 1024;
const mostParts = 1_000;
const lineEnd = Buffer.from("\r\n");
const headEnd = Buffer.from("\r\n\r\n");

/** The boundary that a content type names; throws InvalidBody when it is not that of a form, or not a clear one. */
export function readBoundary(contentType: string): string {
  const form = /^multipart\/form-data[ \t]*;[ \t]*boundary=(?:"([^"]*)"|([^\s";,]+))[ \t]*$/i;
  const [, quoted, bare] = form.exec(contentType.trim()) ?? [];
  const boundary = quoted ?? bare ?? "";
  const isClear = /^[\w'()+,./:=? -]*[\w'()+,./:=?-]$/.test(boundary);
  if (isClear && boundary.length <= longestBoundary) return boundary;
  throw new InvalidBody("The request body must be multipart/form-data with a valid boundary.");
}

type Capture = { name: string; start: number; chunks: Buffer[]; bytes: number };

/** One form, given chunk by chunk in any splitting. */
export class FormScan {
  readonly #delimiter: Buffer;
  #state: "start" | "head" | "value" | "epilogue" = "start";
  /** Bytes of the body before the chunk that is looked at. */
  #before = 0;
  /** The last bytes before those that are looked at, in which a delimiter may have begun. */
  #tail: Buffer = lineEnd;
  #valueAt = 0;
  #head: Buffer = Buffer.alloc(0);
  #capture: Capture | undefined;
  #parts = 0;
  #model: FormModel | undefined;
  #stream = false;

  constructor(boundary: string) {
    this.#delimiter = Buffer.from(`\r\n--${boundary}`, "latin1");
  }

  /** The model, once its whole value has come. */
  get model(): FormModel | undefined {
    return this.#model;
  }

  /** Whether a field `stream` that has come says so. */
  get stream(): boolean {
    return this.#stream;
  }

  /** Where a value of `model` begins whose end has not come yet. */
  get openModelAt(): number | undefined {
    return this.#capture?.name === "model" ? this.#capture.start : undefined;
  }

  /** Follows the next bytes; throws InvalidBody when no service should see them. */
  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) at = this.#step(chunk, at);
    this.#before += chunk.length;
  }

  /** Says that nothing more comes; throws InvalidBody when the form is not complete. */
  end(): void {
    if (this.#state !== "epilogue") throw malformed("it ends before its last boundary");
  }

  #step(chunk: Buffer, at: number): number {
    if (this.#state === "value") return this.#followValue(chunk, at);
    if (this.#state === "head") return this.#followHead(chunk, at);
    return this.#state === "start" ? this.#followStart(chunk, at) : endOf(chunk, at);
  }

  /** Nothing may stand before the first boundary: some parsers would skip it and others would not. */
  #followStart(chunk: Buffer, from: number): number {
    const expected = this.#delimiter.subarray(lineEnd.length + this.#before + from);
    const bytes = chunk.subarray(from, from + expected.length);
    if (!expected.subarray(0, bytes.length).equals(bytes)) {
      throw malformed("it does not begin with its boundary");
    }
    if (bytes.length === expected.length) this.#state = "head";
    return from + bytes.length;
  }

  #followValue(chunk: Buffer, from: number): number {
    const at = this.#findDelimiter(chunk, from);
    this.#keep(chunk.subarray(from, at === undefined ? undefined : Math.max(from, at)));
    if (at === undefined) return chunk.length;
    this.#endValue(this.#before + at);
    return at + this.#delimiter.length;
  }

  /** Where a delimiter begins, which may be in the chunk before: then the index is negative. */
  #findDelimiter(chunk: Buffer, from: number): number | undefined {
    const overlap = this.#delimiter.length - 1;
    const seam = Buffer.concat([this.#tail, chunk.subarray(from, from + overlap)]);
    const early = seam.indexOf(this.#delimiter);
    if (early !== -1) return from + early - this.#tail.length;
    const late = chunk.indexOf(this.#delimiter, from);
    if (late !== -1) return late;
    const rest = chunk.subarray(from);
    const last = rest.length < overlap ? seam : rest;
    this.#tail = last.subarray(Math.max(0, last.length - overlap));
    return undefined;
  }

  #keep(bytes: Buffer): void {
    if (!this.#capture) return;
    this.#capture.chunks.push(bytes);
    this.#capture.bytes += bytes.length;
    if (this.#capture.bytes <= longestValueBytes + this.#delimiter.length) return;
    throw new InvalidBody(`\`${this.#capture.name}\` is too long.`, this.#capture.name);
  }

  #endValue(end: number): void {
    if (end < this.#valueAt) throw malformed("a part has no value");
    this.#state = "head";
    if (!this.#capture) return;
    const { name, start, chunks } = this.#capture;
    this.#capture = undefined;
    const value = Buffer.concat(chunks).subarray(0, end - start);
    if (name === "model") this.#model = { start, end, value: modelOf(value) };
    else this.#stream = value.toString().toLowerCase() === "true";
  }

  /** Behind a delimiter: two dashes and the end, or a line end and the head of the next part. */
  #followHead(chunk: Buffer, from: number): number {
    const before = this.#head.length;
    const taken = chunk.subarray(from, from + longestHeadBytes - before);
    const head = before === 0 ? taken : Buffer.concat([this.#head, taken]);
    const opening = head.toString("latin1", 0, 2);
    if (opening === "--") {
      this.#state = "epilogue";
      return from + 2 - before;
    }
    if (opening !== "-" && !"\r\n".startsWith(opening)) {
      throw malformed("something follows a boundary on its line");
    }
    const end = head.indexOf(headEnd);
    if (end === -1 && head.length >= longestHeadBytes) throw malformed("a part's head is too long");
    if (end === -1) {
      this.#head = Buffer.from(head);
      return chunk.length;
    }
    const next = from + end + headEnd.length - before;
    this.#state = "value";
    this.#head = Buffer.alloc(0);
    // The line end of the head may be taken for that of a delimiter: such a part has no value at all.
    this.#tail = lineEnd;
    this.#valueAt = this.#before + next;
    this.#beginPart(head.toString("latin1", lineEnd.length, end));
    return next;
  }

  #beginPart(head: string): void {
    this.#parts += 1;
    if (this.#parts > mostParts) throw malformed("it has too many parts");
    const { name, isFile } = readPartHead(head);
    if (name === "model") {
      if (this.#model) throw new InvalidBody("The form names `model` more than once.", "model");
      if (isFile) throw new InvalidBody("`model` must be a plain text field.", "model");
    }
    const wanted = name === "model" || (name === "stream" && !isFile);
    if (wanted) this.#capture = { name, start: this.#valueAt, chunks: [], bytes: 0 };
  }
}

function modelOf(value: Buffer): string {
  const isLine = value.every((byte) => byte >= 0x20 && byte !== 0x7f);
  if (isLine && isUtf8(value)) return value.toString();
  throw new InvalidBody("`model` must be a line of text.", "model");
}

/** Behind the last boundary a line end may stand and nothing else. */
function endOf(chunk: Buffer, at: number): number {
  if (chunk[at] === 0x0d || chunk[at] === 0x0a) return at + 1;
  throw malformed("something follows its last boundary");
}

function malformed(why: string): InvalidBody {
  return new InvalidBody(`The form is malformed: ${why}.`);
}
