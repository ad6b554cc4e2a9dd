/** Reads server-sent events from bytes in any splitting (html.spec.whatwg.org, section 9.2). */
import { StringDecoder } from "node:string_decoder";

/** One event, or one comment: servers send those to show that they live. */
export type StreamEvent = Readonly<
  { kind: "event"; name: string; data: string } | { kind: "comment" }
>;

const lineEnd = /\r\n|\r|\n/g;
const byteOrderMark = "\uFEFF";

/** Holds what has come of an event until the rest comes, up to a limit in characters. */
export class EventReader {
  readonly #decoder = new StringDecoder("utf8");
  readonly #limit: number;
  #line = "";
  #name = "";
  #data: string[] = [];
  #held = 0;
  #begun = false;
  #afterReturn = false;
  #overflown = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Whether an event was larger than the limit: nothing is read any more. */
  get overflown(): boolean {
    return this.#overflown;
  }

  /** The events that are complete with this chunk. */
  read(chunk: Buffer): StreamEvent[] {
    const events: StreamEvent[] = [];
    const text = this.#fresh(this.#decoder.write(chunk));
    let from = 0;
    for (const match of text.matchAll(lineEnd)) {
      if (this.#overflown) return events;
      this.#end(this.#line + text.slice(from, match.index), events);
      this.#line = "";
      from = match.index + match[0].length;
    }
    this.#line += text.slice(from);
    this.#checkSize();
    return events;
  }

  /** The event that a stream ended with, without the blank line that belongs behind it. */
  rest(): StreamEvent[] {
    const events: StreamEvent[] = [];
    this.#end(this.#line + this.#decoder.end(), events);
    this.#end("", events);
    return events;
  }

  /** The text without what belongs to the chunk before it, and without the mark that a stream may begin with. */
  #fresh(text: string): string {
    if (text === "") return text;
    const isPair = this.#afterReturn && text.startsWith("\n");
    this.#afterReturn = text.endsWith("\r");
    const isMarked = !this.#begun && text.startsWith(byteOrderMark);
    this.#begun = true;
    return isPair || isMarked ? text.slice(1) : text;
  }

  #end(line: string, events: StreamEvent[]): void {
    if (line === "") return this.#dispatch(events);
    if (line.startsWith(":")) {
      events.push({ kind: "comment" });
      return;
    }
    const colon = line.indexOf(":");
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (field === "event") this.#name = value;
    if (field !== "data") return;
    this.#data.push(value);
    this.#held += value.length + 1;
    this.#checkSize();
  }

  #checkSize(): void {
    if (this.#held + this.#line.length <= this.#limit) return;
    this.#overflown = true;
    this.#line = "";
    this.#data = [];
  }

  #dispatch(events: StreamEvent[]): void {
    if (this.#data.length > 0) {
      events.push({ kind: "event", name: this.#name, data: this.#data.join("\n") });
    }
    this.#name = "";
    this.#data = [];
    this.#held = 0;
  }
}
