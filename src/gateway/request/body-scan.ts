/**
 * Finds the top-level `model` of a JSON body and where it stands, without re-writing a byte of the rest.
 * Strings are skipped natively, so the cost follows the number of tokens and not the number of bytes.
 */
import { isUtf8 } from "node:buffer";
import { editForUsage } from "../usage/ask-for-usage.ts";
import { InvalidBody } from "./invalid-body.ts";
import type { Edit, Place } from "./splice.ts";

/** What routing needs of a body. */
export type BodyScan = Readonly<{
  /** The model asked for and where its JSON string stands; undefined when there is no such key. */
  model: (Place & Readonly<{ value: string }>) | undefined;
  /** The response that this one continues, where the body names one. */
  previousResponse: string | undefined;
  /** Whether there are any tools that the model could call, under any spelling of the key: some parsers ignore case. */
  tools: boolean;
  /** Whether the body asks for a stream with a literal `true`. */
  stream: boolean;
  /** What has the stream tell its usage; undefined without a stream, and when the client has said what it wants. */
  usageEdit: Edit | undefined;
}>;

/** Bodies up to this size are validated to the last token; in larger ones nested scalars are the upstream's to judge. */
const validatedBytes = 16 * 1024;

/** Deeper nesting is nobody's request, and costs some parsers their stack. */
const deepest = 64;

const quote = 0x22;
const backslash = 0x5c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const comma = 0x2c;
const colon = 0x3a;

/**
 * Scans a JSON object; throws InvalidBody when it is not one, or when two top-level keys could be taken for `model`:
 * parsers disagree about which of them counts (Go's also ignores case), and a key's model list must not be fooled.
 */
export function scanBody(body: Buffer): BodyScan {
  if (!isUtf8(body)) throw new InvalidBody("The request body is not valid UTF-8.");
  if (body.length <= validatedBytes) validate(body);
  return scanObject(body);
}

function validate(body: Buffer): void {
  try {
    JSON.parse(body.toString());
  } catch {
    throw notJson();
  }
}

function scanObject(body: Buffer): BodyScan {
  let model: BodyScan["model"];
  let previousResponse: string | undefined;
  const seen = new Set<string>();
  let stream: Place | undefined;
  let options: Place | undefined;
  let tools = false;
  const end = eachMember(body, (key, place) => {
    mustComeOnce(seen, key);
    if (key === "previous_response_id") previousResponse = stringAt(body, place);
    if (key === "model") model = { ...place, value: modelAt(body, place) };
    if (key === "stream") stream = text(body, place) === "true" ? place : undefined;
    if (key === "stream_options") options = place;
    if (key.length === 5 && key.toLowerCase() === "tools") tools ||= !isNothing(body, place);
  });
  if (skipSpace(body, end) !== body.length) throw notJson();
  const edit = usageEdit(body, stream, options);
  return { model, previousResponse, tools, stream: stream !== undefined, usageEdit: edit };
}

const nothing = /^(?:\[\s*\]|\{\s*\}|null|false|"")$/;

/** Keys that decide where a request goes and what it may see. */
const decisive = new Set(["model", "previous_response_id"]);

function mustComeOnce(seen: Set<string>, key: string): void {
  const name = key.toLowerCase();
  if (!decisive.has(name)) return;
  if (seen.has(name)) {
    throw new InvalidBody(`The request body names \`${name}\` more than once.`, name);
  }
  seen.add(name);
}

/** Whether a value is null, false, or a list, an object or a text with nothing in it; long texts are not looked at. */
function isNothing(body: Buffer, { start, end }: Place): boolean {
  return end - start < 256 && nothing.test(text(body, { start, end }));
}

function stringAt(body: Buffer, place: Place): string | undefined {
  return body[place.start] === quote ? parseString(body, place) : undefined;
}

function usageEdit(body: Buffer, stream: Place | undefined, options: Place | undefined) {
  if (!stream) return undefined;
  return editForUsage({ stream, options: options && { ...options, text: text(body, options) } });
}

/** Visits every member of the object that a body is, keys unescaped; throws InvalidBody where it is none. */
export function eachMember(body: Buffer, visit: (key: string, place: Place) => void): number {
  let at = expect(body, skipSpace(body, 0), openBrace);
  if (body[at] === closeBrace) return at + 1;
  for (;;) {
    const keyEnd = skipString(body, at);
    const start = expect(body, skipSpace(body, keyEnd), colon);
    const end = skipValue(body, start);
    visit(keyAt(body, { start: at, end: keyEnd }), { start, end });
    const next = skipSpace(body, end);
    if (body[next] === closeBrace) return next + 1;
    at = expect(body, next, comma);
  }
}

/** Visits the elements of an array until `visit` returns false; throws InvalidBody where it is none. */
export function eachElement(array: Buffer, visit: (place: Place) => boolean): void {
  let at = expect(array, 0, openBracket);
  while (array[at] !== closeBracket) {
    const end = skipValue(array, at);
    if (!visit({ start: at, end })) return;
    const next = skipSpace(array, end);
    at = array[next] === closeBracket ? next : expect(array, next, comma);
  }
}

/** Passes one expected byte and the space behind it. */
function expect(body: Buffer, at: number, byte: number): number {
  if (body[at] !== byte) throw notJson();
  return skipSpace(body, at + 1);
}

function skipSpace(body: Buffer, from: number): number {
  let at = from;
  for (;;) {
    const byte = body[at];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return at;
    at += 1;
  }
}

function skipValue(body: Buffer, at: number): number {
  const byte = body[at];
  if (byte === quote) return skipString(body, at);
  if (byte === openBrace || byte === openBracket) return skipNested(body, at);
  return skipScalar(body, at);
}

/** Passes a string, given its opening quote. */
function skipString(body: Buffer, at: number): number {
  if (body[at] !== quote) throw notJson();
  let end = closingQuote(body, at + 1);
  while (isEscaped(body, at, end)) end = closingQuote(body, end + 1);
  return end + 1;
}

/** Short strings are cheaper to walk than to hand to the native search. */
function closingQuote(body: Buffer, from: number): number {
  const near = Math.min(body.length, from + 24);
  for (let at = from; at < near; at += 1) if (body[at] === quote) return at;
  const far = body.indexOf(quote, near);
  if (far === -1) throw notJson();
  return far;
}

function isEscaped(body: Buffer, open: number, at: number): boolean {
  let first = at;
  while (first - 1 > open && body[first - 1] === backslash) first -= 1;
  return (at - first) % 2 === 1;
}

/** Bytes that begin or end something: one look at a table decides about each of the many others. */
const structural = Uint8Array.from({ length: 256 }, (_, byte) =>
  [quote, openBrace, closeBrace, openBracket, closeBracket].includes(byte) ? 1 : 0,
);

function nextStructural(body: Buffer, from: number): number {
  let at = from;
  while (at < body.length && structural[body[at] ?? 0] === 0) at += 1;
  return at;
}

/** Passes an object or array: brackets must pair up, strings must end. */
function skipNested(body: Buffer, start: number): number {
  const closers: number[] = [];
  for (let at = nextStructural(body, start); at < body.length; at = nextStructural(body, at)) {
    const byte = body[at];
    if (byte === quote) {
      at = skipString(body, at);
      continue;
    }
    if (byte === openBrace) descend(closers, closeBrace);
    else if (byte === openBracket) descend(closers, closeBracket);
    else if (byte === closeBrace || byte === closeBracket) {
      if (closers.pop() !== byte) throw notJson();
      if (closers.length === 0) return at + 1;
    }
    at += 1;
  }
  throw notJson();
}

/** The body itself is the first level. */
function descend(closers: number[], closer: number): void {
  if (closers.push(closer) < deepest) return;
  throw new InvalidBody(`The request body is nested deeper than ${deepest} levels.`);
}

const scalar = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)$/;

function skipScalar(body: Buffer, start: number): number {
  let at = start;
  while (at < body.length && !endsScalar(body[at] ?? 0)) at += 1;
  if (!scalar.test(text(body, { start, end: at }))) throw notJson();
  return at;
}

function endsScalar(byte: number): boolean {
  return byte === comma || byte === closeBrace || byte <= 0x20;
}

function keyAt(body: Buffer, place: Place): string {
  const inside = body.toString("utf8", place.start + 1, place.end - 1);
  return inside.includes("\\") ? parseString(body, place) : inside;
}

function modelAt(body: Buffer, place: Place): string {
  if (body[place.start] !== quote) throw new InvalidBody("`model` must be a string.", "model");
  return parseString(body, place);
}

function parseString(body: Buffer, place: Place): string {
  try {
    return String(JSON.parse(text(body, place)));
  } catch {
    throw notJson();
  }
}

function text(body: Buffer, { start, end }: Place): string {
  return body.toString("utf8", start, end);
}

function notJson(): InvalidBody {
  return new InvalidBody("The request body is not a JSON object.");
}
