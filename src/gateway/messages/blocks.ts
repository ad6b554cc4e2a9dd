/** The content blocks of a streamed message: one after the other, each begun, filled and stopped. */
import { BrokenAnswer } from "./ending.ts";

/** One event of a message stream. */
export function eventText(type: string, rest: string): string {
  return `event: ${type}\ndata: {"type":"${type}"${rest}}\n\n`;
}

type Call = { readonly ownId: string; id: string; name: string; held: string; done: boolean };

/** A piece of a tool call, as a chunk brings it. */
export type CallPiece = Readonly<{
  /** Which call it belongs to. */
  key: string | number;
  id: string;
  name: string;
  input: string;
}>;

/** Arguments that wait for their turn, in characters. */
const longestHeld = 4 * 1024 * 1024;

/**
 * Writes the events of the blocks. The first of several tool calls goes out as it comes; the others wait until it is
 * over, because a chat stream may mix their pieces and a message's blocks follow one another.
 */
export class Blocks {
  readonly #messageId: string;
  #open: "none" | "text" | "thinking" | "tool_use" = "none";
  #index = -1;
  #live: Call | undefined;
  #held = 0;
  readonly #calls: Call[] = [];
  readonly #callsByKey = new Map<string | number, Call>();

  constructor(messageId: string) {
    this.#messageId = messageId;
  }

  /** Whether any tool has been called. */
  get called(): boolean {
    return this.#calls.length > 0;
  }

  text(text: string): string {
    const begun = this.#begin("text", '{"type":"text","text":""}');
    return begun + this.#delta(`{"type":"text_delta","text":${JSON.stringify(text)}}`);
  }

  thinking(text: string): string {
    const begun = this.#begin("thinking", '{"type":"thinking","thinking":"","signature":""}');
    return begun + this.#delta(`{"type":"thinking_delta","thinking":${JSON.stringify(text)}}`);
  }

  call(piece: CallPiece): string {
    const call = this.#callOf(piece);
    if (call.done) throw new BrokenAnswer("went back to a tool call that it had ended");
    if (call === this.#live) return this.#input(piece.input);
    call.held += piece.input;
    this.#hold(piece.input.length);
    return this.#live || call.name === "" ? "" : this.#stop() + this.#goLive(call);
  }

  /** Stops what is open and writes what waits. */
  close(): string {
    let events = this.#stop();
    if (this.#live) this.#live.done = true;
    this.#live = undefined;
    for (const call of this.#calls) {
      if (!call.done) events += this.#whole(call);
    }
    return events;
  }

  #callOf({ key, id, name }: CallPiece): Call {
    const known = this.#callsByKey.get(key);
    if (known && isSame(known, id)) {
      if (known.name === "") known.name = name;
      return known;
    }
    const ownId = `${this.#messageId}_${this.#calls.length}`;
    const call = { ownId, id, name, held: "", done: false };
    this.#calls.push(call);
    this.#callsByKey.set(key, call);
    this.#hold(64);
    return call;
  }

  #hold(size: number): void {
    this.#held += size;
    if (this.#held > longestHeld) throw new BrokenAnswer("sent tool calls without an end");
  }

  #goLive(call: Call): string {
    this.#live = call;
    const { held } = call;
    call.held = "";
    this.#held -= held.length;
    return this.#startCall(call) + this.#input(held);
  }

  #whole(call: Call): string {
    if (call.name === "") throw new BrokenAnswer("called a tool without a name");
    call.done = true;
    this.#held -= call.held.length;
    return this.#startCall(call) + this.#input(call.held) + this.#stop();
  }

  #startCall({ id, ownId, name }: Call): string {
    const block = { type: "tool_use", id: id === "" ? ownId : id, name, input: {} };
    return this.#start("tool_use", JSON.stringify(block));
  }

  #input(json: string): string {
    if (json === "") return "";
    return this.#delta(`{"type":"input_json_delta","partial_json":${JSON.stringify(json)}}`);
  }

  #begin(kind: "text" | "thinking", block: string): string {
    return this.#open === kind ? "" : this.close() + this.#start(kind, block);
  }

  #start(kind: "text" | "thinking" | "tool_use", block: string): string {
    this.#open = kind;
    this.#index += 1;
    return eventText("content_block_start", `,"index":${this.#index},"content_block":${block}`);
  }

  #delta(delta: string): string {
    return eventText("content_block_delta", `,"index":${this.#index},"delta":${delta}`);
  }

  #stop(): string {
    if (this.#open === "none") return "";
    this.#open = "none";
    return eventText("content_block_stop", `,"index":${this.#index}`);
  }
}

/** Some servers give every call the same place in the list: then a new id begins a new call. */
function isSame(call: Call, id: string): boolean {
  return id === "" || call.id === "" || call.id === id;
}
