/** Finds the `usage` object of a JSON answer by looking at its ends only: a long list of numbers in between costs nothing. */
import { parseJson } from "../json.ts";

/** The member's name as it stands in JSON: inside a string its quotes would be escaped. */
export const usageKey: Buffer = Buffer.from('"usage"');

const quote = 0x22;
const backslash = 0x5c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const colon = 0x3a;

/** The top-level `usage` of a whole JSON answer; undefined when there is none. */
export function usageInJson(body: Buffer): unknown {
  if (body.indexOf(usageKey) === -1) return undefined;
  return usageInTail(body) ?? usageInHead(body);
}

/** The top-level `usage` in the beginning of a JSON answer. */
export function usageInHead(head: Buffer): unknown {
  const at = head.indexOf(usageKey);
  if (at === -1 || head[at - 1] === backslash) return undefined;
  return depthAcross(head, 0, at) === 1 ? objectBehind(head, at)?.value : undefined;
}

/** The top-level `usage` in the end of a JSON answer, wherever that end begins. */
export function usageInTail(tail: Buffer): unknown {
  const at = tail.lastIndexOf(usageKey);
  if (at === -1 || tail[at - 1] === backslash) return undefined;
  const found = objectBehind(tail, at);
  return found && depthAcross(tail, found.end, tail.length) === -1 ? found.value : undefined;
}

/** A top-level number in the end of a JSON answer, or of the last line of several; undefined when there is none of that name. */
export function numberInTail(tail: Buffer, name: string): number | undefined {
  const key = `"${name}"`;
  const at = tail.lastIndexOf(key);
  if (at === -1 || tail[at - 1] === backslash) return undefined;
  if (depthAcross(tail, at, tail.length) !== -1) return undefined;
  const start = valueStart(tail, at + key.length);
  const [digits] = /^\d{1,15}(?=[\s,}])/.exec(tail.toString("latin1", start, start + 17)) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

/** The object that is the value of the key at `at`; undefined when its value is something else, or not all there. */
export function objectBehind(
  bytes: Buffer,
  at: number,
): Readonly<{ value: unknown; end: number }> | undefined {
  const start = valueStart(bytes, at + usageKey.length);
  if (bytes[start] !== openBrace) return undefined;
  const end = endOfNested(bytes, start);
  return end === undefined ? undefined : { value: parseJson(bytes.subarray(start, end)), end };
}

/** Where the value behind a key begins; -1 when no value follows. */
function valueStart(bytes: Buffer, from: number): number {
  const at = skipSpace(bytes, from);
  return bytes[at] === colon ? skipSpace(bytes, at + 1) : -1;
}

function skipSpace(bytes: Buffer, from: number): number {
  let at = from;
  while (bytes[at] === 0x20 || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09)
    at += 1;
  return at;
}

function endOfNested(bytes: Buffer, start: number): number | undefined {
  let depth = 0;
  for (let at = start; at < bytes.length; at += 1) {
    if (bytes[at] === quote) at = closingQuote(bytes, at);
    depth += step(bytes[at]);
    if (depth === 0) return at + 1;
  }
  return undefined;
}

/** How much deeper the nesting is at `to` than at `from`, neither of which is inside a string. */
function depthAcross(bytes: Buffer, from: number, to: number): number {
  let depth = 0;
  for (let at = from; at < to; at += 1) {
    if (bytes[at] === quote) at = closingQuote(bytes, at);
    else depth += step(bytes[at]);
  }
  return depth;
}

function step(byte: number | undefined): number {
  if (byte === openBrace || byte === openBracket) return 1;
  return byte === closeBrace || byte === closeBracket ? -1 : 0;
}

/** Where the string that opens at `open` closes; the end of the bytes when it does not. */
function closingQuote(bytes: Buffer, open: number): number {
  for (let at = bytes.indexOf(quote, open + 1); at !== -1; at = bytes.indexOf(quote, at + 1)) {
    let first = at;
    while (bytes[first - 1] === backslash) first -= 1;
    if ((at - first) % 2 === 0) return at;
  }
  return bytes.length;
}
