/** The stream of a chat completion as the stream of a message: bytes in any splitting in, events out. No I/O, bounded memory. */
import { isRecord, parseJson } from "../json.ts";
import { Blocks, eventText } from "./blocks.ts";
import { BrokenAnswer, firstChoice, reasoningIn, stopOf, usageOf } from "./ending.ts";
import { EventReader, type StreamEvent } from "./event-reader.ts";
import { callsIn, modelIn, type Asked } from "./whole-answer.ts";

/** The largest event that is taken, in characters. */
const largestEvent = 1024 * 1024;
const ping = eventText("ping", "");
/** A model that thinks where nobody wants to see it shows that it lives at every so many pieces of thought. */
const thoughtsPerPing = 50;

/** Translates one stream. */
export class EventTranslator {
  readonly #asked: Asked;
  readonly #reader = new EventReader(largestEvent);
  readonly #blocks: Blocks;
  #state: "waiting" | "begun" | "over" = "waiting";
  #finish: unknown;
  #matched: unknown;
  #usage: unknown;
  #thoughts = 0;
  #broken: string | undefined;
  #lastCall: string | number = "";

  constructor(asked: Asked) {
    this.#asked = asked;
    this.#blocks = new Blocks(asked.id);
  }

  /** Why the stream cannot be told any further, as the end of a sentence that begins with the service. */
  get broken(): string | undefined {
    return this.#broken;
  }

  /** The events that can be told now that this chunk has come. */
  push(chunk: Buffer): string {
    return this.#tell(this.#reader.read(chunk));
  }

  /** The last events of a stream that has ended properly. */
  end(): string {
    const rest = this.#tell(this.#reader.rest());
    return rest + this.#unlessBroken(() => (this.#state === "over" ? "" : this.#conclude()));
  }

  /** The events of a chat completion that is whole, given as its only chunk. */
  whole(document: Record<string, unknown>): string {
    return this.#unlessBroken(() => this.#chunk(document)) + this.end();
  }

  #chunk(document: Record<string, unknown>): string {
    refuseFailure(document);
    if (isRecord(document["usage"])) this.#usage = document["usage"];
    const choice = firstChoice(document);
    const begun = this.#state === "waiting" ? this.#begin(document) : "";
    if (!choice) return begun;
    const { delta, finish_reason: finish, stop_reason: matched } = choice;
    const told = isRecord(delta) ? this.#delta(delta) : "";
    if (finish !== undefined && finish !== null) {
      this.#finish = finish;
      this.#matched = matched;
    }
    return begun + told;
  }

  /** What came before the stream broke is told, however it was split. */
  #tell(events: readonly StreamEvent[]): string {
    let told = "";
    for (const event of events) {
      if (this.#state === "over" || this.#broken !== undefined) return told;
      const { kind } = event;
      told += kind === "comment" ? ping : this.#unlessBroken(() => this.#take(event));
    }
    if (this.#reader.overflown && this.#state !== "over") {
      this.#broken ??= "sent an event without an end";
    }
    return told;
  }

  #unlessBroken(tell: () => string): string {
    if (this.#broken !== undefined) return "";
    try {
      return tell();
    } catch (error) {
      if (!(error instanceof BrokenAnswer)) throw error;
      this.#broken = error.message;
      return "";
    }
  }

  #take({ name, data }: Extract<StreamEvent, { kind: "event" }>): string {
    if (data === "[DONE]") return this.#conclude();
    const document = parseJson(data);
    if (!isRecord(document)) throw new BrokenAnswer("sent an event that is not JSON");
    if (name === "error") refuseFailure({ error: document["error"] ?? document });
    return this.#chunk(document);
  }

  #begin(document: Record<string, unknown>): string {
    this.#state = "begun";
    const message = {
      id: this.#asked.id,
      type: "message",
      role: "assistant",
      model: modelIn(document) ?? this.#asked.model,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: usageOf(document["usage"]),
    };
    return eventText("message_start", `,"message":${JSON.stringify(message)}`) + ping;
  }

  #delta(delta: Record<string, unknown>): string {
    let told = this.#reasoning(reasoningIn(delta));
    const text = delta["content"] ?? delta["refusal"];
    if (typeof text === "string" && text !== "") told += this.#blocks.text(text);
    for (const call of callsIn(delta)) told += this.#call(call);
    return told;
  }

  #reasoning(text: string): string {
    if (text === "") return "";
    if (this.#asked.thinking) return this.#blocks.thinking(text);
    this.#thoughts += 1;
    return this.#thoughts % thoughtsPerPing === 0 ? ping : "";
  }

  #call({ index, id, function: called }: Record<string, unknown>): string {
    const { name, arguments: input } = isRecord(called) ? called : {};
    const known = typeof id === "string" ? id : "";
    if (typeof index === "number") this.#lastCall = index;
    else if (known !== "") this.#lastCall = known;
    return this.#blocks.call({
      key: this.#lastCall,
      id: known,
      name: typeof name === "string" ? name : "",
      input: inputText(input),
    });
  }

  #conclude(): string {
    if (this.#state === "waiting") throw new BrokenAnswer("ended its stream before it began");
    const { called } = this.#blocks;
    const { stopSequences } = this.#asked;
    const ending = { finish: this.#finish, matched: this.#matched };
    const stop = stopOf(ending, { calls: called, stopSequences });
    const closed = this.#blocks.close();
    this.#state = "over";
    const delta = `,"delta":${JSON.stringify(stop)},"usage":${JSON.stringify(usageOf(this.#usage))}`;
    return closed + eventText("message_delta", delta) + eventText("message_stop", "");
  }
}

/** Arguments come as text; a few servers send the object itself. */
function inputText(input: unknown): string {
  if (typeof input === "string") return input;
  return isRecord(input) ? JSON.stringify(input) : "";
}

/** A failure that an upstream tells in its stream; its words reach the client unless they tell an address. */
function refuseFailure({ error }: Record<string, unknown>): void {
  if (error === undefined || error === null) return;
  const message = isRecord(error) ? error["message"] : error;
  const told = typeof message === "string" && !/https?:\/\//i.test(message) ? message : "";
  const why = told === "" ? "" : `: ${told.slice(0, 500)}`;
  throw new BrokenAnswer(`failed in the middle of its answer${why}`);
}
