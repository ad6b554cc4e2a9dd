/** Keeps the relayed part of an event stream whole: what a client has been given always ends between two events. */

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const longestHeldBytes = 256 * 1024;
const nothing = Buffer.alloc(0);

/**
 * Passes complete events on at once and holds back the beginning of an incomplete one: no client can use it,
 * and if the stream breaks there, the error event that follows still stands on its own.
 */
export class EventBoundary {
  #held: Buffer[] = [];
  #heldBytes = 0;
  #isInside = false;
  /** The two bytes before the next chunk; a stream begins as if a line had just ended. */
  #last = lineFeed;
  #lastButOne = lineFeed;

  /** Whether what has gone out ends inside an event, which happens only to events of unusual size. */
  get isInside(): boolean {
    return this.#isInside;
  }

  /** What may go out now that this chunk has come; undefined when nothing may. */
  push(chunk: Buffer): Buffer | undefined {
    const end = boundaryBefore(chunk, chunk.length, this.#last, this.#lastButOne);
    this.#remember(chunk);
    if (end === 0) return this.#holdOrGiveUp(chunk);
    this.#isInside = false;
    if (end === chunk.length) return this.#flushWith(chunk);
    const whole = this.#flushWith(chunk.subarray(0, end));
    this.#hold(chunk.subarray(end));
    return whole;
  }

  /** What is still held when the stream has ended properly. */
  rest(): Buffer | undefined {
    return this.#heldBytes === 0 ? undefined : this.#flushWith(nothing);
  }

  /** An event of unusual size goes on in pieces rather than filling the memory. */
  #holdOrGiveUp(chunk: Buffer): Buffer | undefined {
    this.#hold(chunk);
    if (this.#heldBytes <= longestHeldBytes) return undefined;
    this.#isInside = true;
    return this.#flushWith(nothing);
  }

  #hold(chunk: Buffer): void {
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
  }

  #flushWith(chunk: Buffer): Buffer {
    if (this.#heldBytes === 0) return chunk;
    const whole = Buffer.concat([...this.#held, chunk]);
    this.#held = [];
    this.#heldBytes = 0;
    return whole;
  }

  #remember(chunk: Buffer): void {
    this.#lastButOne = chunk[chunk.length - 2] ?? this.#last;
    this.#last = chunk[chunk.length - 1] ?? this.#last;
  }
}

/**
 * Where the event that holds `at` begins: behind the last blank line before it (LF, CR or CRLF, as the standard allows), or at 0.
 * `last` and `lastButOne` are the two bytes before these.
 */
export function boundaryBefore(bytes: Buffer, at: number, last = -1, lastButOne = -1): number {
  for (let end = at; end > 0; end -= 1) {
    const byte = bytes[end - 1];
    if (byte !== lineFeed && byte !== carriageReturn) continue;
    if (endsBlankLine(bytes, end, last, lastButOne)) return end;
  }
  return 0;
}

/** Where the event that holds `at` ends: behind the next blank line, or where the bytes end. */
export function boundaryAfter(bytes: Buffer, at: number): number {
  for (let end = at + 1; end <= bytes.length; end += 1) {
    const byte = bytes[end - 1];
    if (byte !== lineFeed && byte !== carriageReturn) continue;
    if (!endsBlankLine(bytes, end, -1, -1)) continue;
    return byte === carriageReturn && bytes[end] === lineFeed ? end + 1 : end;
  }
  return bytes.length;
}

/** Whether the line break that ends at `end` follows another one. */
function endsBlankLine(bytes: Buffer, end: number, last: number, lastButOne: number): boolean {
  const second = end > 1 ? bytes[end - 2] : last;
  const third = end > 2 ? bytes[end - 3] : end > 1 ? last : lastButOne;
  const isPair = bytes[end - 1] === lineFeed && second === carriageReturn;
  const previous = isPair ? third : second;
  return previous === lineFeed || previous === carriageReturn;
}
