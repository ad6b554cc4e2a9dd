/** Keeps the relayed part of an event stream whole: what a client has been given always ends between two events. */

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const longestHeldBytes = 256 * 1024;

/**
 * Passes complete events on at once and holds back the beginning of an incomplete one: no client can use it,
 * and if the stream breaks there, the error event that follows still stands on its own.
 */
export class EventBoundary {
  #held: Buffer[] = [];
  #heldBytes = 0;

  /** What may go out now that this chunk has come; undefined when nothing may. */
  push(chunk: Buffer): Buffer | undefined {
    const last = this.#held.at(-1);
    const joined = last === undefined ? chunk : Buffer.concat([last.subarray(-3), chunk]);
    const overlap = joined.length - chunk.length;
    const end = lastBoundary(joined) - overlap;
    if (end >= chunk.length) return this.#flushWith(chunk);
    if (end <= 0) return this.#holdOrGiveUp(chunk);
    const whole = this.#flushWith(chunk.subarray(0, end));
    this.#hold(chunk.subarray(end));
    return whole;
  }

  /** What is still held when the stream has ended properly. */
  rest(): Buffer | undefined {
    return this.#heldBytes === 0 ? undefined : this.#flushWith(Buffer.alloc(0));
  }

  /** An event of unusual size goes on in pieces rather than filling the memory. */
  #holdOrGiveUp(chunk: Buffer): Buffer | undefined {
    this.#hold(chunk);
    return this.#heldBytes > longestHeldBytes ? this.#flushWith(Buffer.alloc(0)) : undefined;
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
}

/** Where the last blank line ends (LF, CR or CRLF, as the standard allows); 0 when there is none. */
function lastBoundary(bytes: Buffer): number {
  return boundaryBefore(bytes, bytes.length);
}

/** Where the event that holds `at` begins: behind the last blank line before it, or at 0. */
export function boundaryBefore(bytes: Buffer, at: number): number {
  for (let end = at; end > 1; end -= 1) {
    const byte = bytes[end - 1];
    if ((byte === lineFeed || byte === carriageReturn) && endsBlankLine(bytes, end)) return end;
  }
  return 0;
}

/** Where the event that holds `at` ends: behind the next blank line, or where the bytes end. */
export function boundaryAfter(bytes: Buffer, at: number): number {
  for (let end = at + 1; end <= bytes.length; end += 1) {
    const byte = bytes[end - 1];
    if ((byte !== lineFeed && byte !== carriageReturn) || !endsBlankLine(bytes, end)) continue;
    return byte === carriageReturn && bytes[end] === lineFeed ? end + 1 : end;
  }
  return bytes.length;
}

/** Whether the line break that ends at `end` follows another one. */
function endsBlankLine(bytes: Buffer, end: number): boolean {
  const crlf = bytes[end - 1] === lineFeed && bytes[end - 2] === carriageReturn;
  const before = bytes[end - (crlf ? 3 : 2)];
  return before === lineFeed || before === carriageReturn;
}
