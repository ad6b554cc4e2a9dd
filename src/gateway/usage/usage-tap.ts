/** Looks at an answer as it passes and learns what it cost; nothing is copied, and only events that name `usage` are parsed. */
import { boundaryAfter, boundaryBefore } from "../request/event-boundary.ts";
import { isRecord, parseJson } from "../json.ts";
import { readUsage, type TokenCount } from "./token-count.ts";
import {
  numberInTail,
  objectBehind,
  usageInHead,
  usageInJson,
  usageInTail,
  usageKey,
} from "./usage-in-json.ts";

/** What is known of the request when its answer begins. */
export type TapOptions = Readonly<{
  /** Whether the gateway asked for the usage event on its own, so that the client must not see it. */
  hidesUsage: boolean;
  /** Bytes of the request, from which a text's cost is estimated when nobody tells it; undefined for what is no text. */
  textBytes: number | undefined;
}>;

/** What an answer cost. */
export type Cost = TokenCount & Readonly<{ estimated: boolean }>;

/** The first event that tells usage and the last few: Anthropic tells the input first and the output last. */
const keptEvents = 4;
/** Enough for the end of an answer that holds its usage. */
const tailBytes = 4 * 1024;
/** A rule of thumb for text in most languages and tokenizers. */
const bytesPerToken = 4;
/** An event of a chat is about this long and carries a token; several may come in one piece. */
const bytesPerEvent = 300;

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** The tap of one attempt. */
export class UsageTap {
  readonly #options: TapOptions;
  #events: Buffer[] = [];
  #passed = { pieces: 0, bytes: 0 };
  /** An event was taken out that ended with a carriage return: the line feed that may follow belongs to it. */
  #cutAtReturn = false;
  #head: Buffer | undefined;
  #tail: Buffer[] = [];
  #tailLength = 0;
  #told: Partial<TokenCount> | undefined;

  constructor(options: TapOptions) {
    this.#options = options;
  }

  /** Whole events of a stream pass; returns what the client may see of them, undefined for nothing. */
  events(bytes: Buffer): Buffer | undefined {
    const rest = this.#cutAtReturn ? this.#endCut(bytes) : bytes;
    this.#passed.pieces += 1;
    this.#passed.bytes += bytes.length;
    return rest.indexOf(usageKey) === -1 ? nonEmpty(rest) : this.#examine(rest);
  }

  /** A piece of a JSON answer passes that goes on before it is whole. */
  piece(bytes: Buffer): void {
    this.#head ??= bytes;
    this.#tail.push(bytes);
    this.#tailLength += bytes.length;
    while (this.#tailLength - (this.#tail[0]?.length ?? 0) >= tailBytes) {
      this.#tailLength -= this.#tail.shift()?.length ?? 0;
    }
  }

  /** A whole JSON answer passes. */
  whole(body: Buffer): void {
    this.#told = readUsage(usageInJson(body));
  }

  /** What the answer has cost as far as it has passed; undefined when nobody knows. */
  cost(): Cost | undefined {
    const told = this.#told ?? this.#readEvents() ?? this.#readPieces();
    if (told) return { input: 0, output: 0, cached: 0, ...told, estimated: false };
    const { textBytes } = this.#options;
    const { pieces, bytes } = this.#passed;
    if (pieces === 0 || textBytes === undefined) return undefined;
    const input = Math.ceil(textBytes / bytesPerToken);
    const output = Math.max(pieces, Math.ceil(bytes / bytesPerEvent));
    return { input, output, cached: 0, estimated: true };
  }

  #examine(bytes: Buffer): Buffer | undefined {
    let kept = bytes;
    let from = 0;
    for (;;) {
      const at = kept.indexOf(usageKey, from);
      if (at === -1) return nonEmpty(kept);
      from = at + usageKey.length;
      // Most servers that tell usage at all send `null` until the last event.
      if (!objectBehind(kept, at)) continue;
      const start = startOfEvent(kept, at);
      from = boundaryAfter(kept, at);
      const event = kept.subarray(start, from);
      this.#remember(event);
      if (!this.#options.hidesUsage || !tellsUsageOnly(event)) continue;
      this.#cutAtReturn = from === kept.length && event.at(-1) === carriageReturn;
      kept = Buffer.concat([kept.subarray(0, start), kept.subarray(from)]);
      from = start;
    }
  }

  #endCut(bytes: Buffer): Buffer {
    this.#cutAtReturn = false;
    return bytes[0] === lineFeed ? bytes.subarray(1) : bytes;
  }

  #remember(event: Buffer): void {
    this.#events.push(event);
    if (this.#events.length > keptEvents) this.#events.splice(1, 1);
  }

  #readEvents(): Partial<TokenCount> | undefined {
    const told = this.#events.map(usageOfEvent).filter((usage) => usage !== undefined);
    return told.length === 0 ? undefined : Object.assign({}, ...told);
  }

  #readPieces(): Partial<TokenCount> | undefined {
    if (!this.#head) return undefined;
    const tail = Buffer.concat(this.#tail);
    return readUsage(usageInTail(tail)) ?? readUsage(usageInHead(this.#head)) ?? ollamaUsage(tail);
  }
}

function nonEmpty(bytes: Buffer): Buffer | undefined {
  return bytes.length === 0 ? undefined : bytes;
}

/** The line feed of a line break that was split in two belongs to the event before. */
function startOfEvent(bytes: Buffer, at: number): number {
  const start = boundaryBefore(bytes, at);
  return start === 0 && bytes[0] === lineFeed ? 1 : start;
}

function usageOfEvent(event: Buffer): Partial<TokenCount> | undefined {
  const document = documentOf(event);
  // An event too large to be held back comes in pieces: its usage stands in the last one.
  if (document === undefined)
    return readUsage(objectBehind(event, event.lastIndexOf(usageKey))?.value);
  if (!isRecord(document)) return undefined;
  const { usage, response, message } = document;
  return readUsage(usage) ?? usageInside(response) ?? usageInside(message);
}

/** Ollama's own interface tells it in its last line, beside everything else. */
function ollamaUsage(tail: Buffer): Partial<TokenCount> | undefined {
  const input = numberInTail(tail, "prompt_eval_count");
  const output = numberInTail(tail, "eval_count");
  if (input === undefined && output === undefined) return undefined;
  return { ...(input !== undefined && { input }), ...(output !== undefined && { output }) };
}

function usageInside(value: unknown): Partial<TokenCount> | undefined {
  return isRecord(value) ? readUsage(value["usage"]) : undefined;
}

/** OpenAI's last event of a stream with `include_usage`: usage and no choice. */
function tellsUsageOnly(event: Buffer): boolean {
  const document = documentOf(event);
  if (!isRecord(document)) return false;
  const { choices, usage } = document;
  return isRecord(usage) && Array.isArray(choices) && choices.length === 0;
}

function documentOf(event: Buffer): unknown {
  const lines = event.toString().split(/\r\n|\r|\n/);
  const data = lines.filter((line) => line.startsWith("data:"));
  return parseJson(data.map((line) => line.slice("data:".length)).join("\n"));
}
