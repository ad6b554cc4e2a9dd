/** Takes the answer of a chat completion, gives the client a message. */
import { upstreamBroken, type Failure } from "../api/failure.ts";
import { mediaType, type Headers } from "../api/headers.ts";
import type { Sink } from "../request/relay-options.ts";
import { BrokenAnswer } from "./ending.ts";
import { EventTranslator } from "./event-translator.ts";
import type { Asked } from "./whole-answer.ts";
import { retoldAnswer } from "./retold-answer.ts";

/** Whom a sink tells what. */
export type SinkOptions = Readonly<{
  /** The client's own sink. */
  to: Sink;
  asked: Asked & Readonly<{ stream: boolean }>;
  service: string;
  /** The last event of a stream that failed. */
  failureEvent: (failure: Failure) => string;
  /** Ends the attempt because its answer makes no sense. */
  giveUp: (failure: Failure) => void;
  /** Answers a client that has not been given a byte. */
  fail: (failure: Failure) => void;
}>;

/** The largest answer that is held to be translated whole. */
const largestWhole = 16 * 1024 * 1024;
const unfinished = "did not answer with a whole chat completion";

/** A sink in front of the client's: a stream is translated as it comes, anything else once it is complete. */
export class MessageSink implements Sink {
  readonly #options: SinkOptions;
  #events: EventTranslator | undefined;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #head: Readonly<{ status: number; headers: Headers }> = { status: 200, headers: {} };
  #over = false;

  constructor(options: SinkOptions) {
    this.#options = options;
  }

  get headersSent(): boolean {
    return this.#options.to.headersSent;
  }

  writeHead(status: number, headers: Headers): void {
    const { "content-length": _, ...kept } = headers;
    this.#head = { status, headers: kept };
    if (!this.#options.asked.stream || mediaType(headers) !== "text/event-stream") return;
    this.#events = new EventTranslator(this.#options.asked);
    this.#options.to.writeHead(status, kept);
  }

  flushHeaders(): void {
    if (this.#events) this.#options.to.flushHeaders();
  }

  write(chunk: Buffer | string): boolean {
    if (this.#over) return true;
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    const translator = this.#translator();
    if (!translator) return this.#hold(bytes);
    const events = translator.push(bytes);
    const goesOn = events === "" || this.#options.to.write(events);
    if (translator.broken !== undefined) this.#giveUp(translator.broken);
    return goesOn || this.#over;
  }

  /** With a last word the answer has failed and the word is the client's; without one the upstream has ended it. */
  end(lastWord?: string): void {
    if (this.#over) return;
    const translator = this.#translator();
    if (!translator) return lastWord === undefined ? this.#endWhole() : this.#giveUp(unfinished);
    const events = lastWord ?? translator.end();
    if (translator.broken !== undefined) {
      this.#options.to.write(events);
      return this.#giveUp(translator.broken);
    }
    this.#over = true;
    this.#options.to.end(events);
  }

  destroy(): void {
    if (this.#over) return;
    if (!this.#translator()) return this.#giveUp(unfinished);
    this.#over = true;
    this.#options.to.destroy();
  }

  once(event: "drain", listener: () => void): void {
    this.#options.to.once(event, listener);
  }

  /** Where the head went out before anybody had answered, only events can follow it. */
  #translator(): EventTranslator | undefined {
    if (this.#options.to.headersSent) this.#events ??= new EventTranslator(this.#options.asked);
    return this.#events;
  }

  #hold(chunk: Buffer): boolean {
    this.#heldBytes += chunk.length;
    if (this.#heldBytes <= largestWhole) this.#held.push(chunk);
    else this.#giveUp("answered without an end");
    return true;
  }

  #endWhole(): void {
    const { asked, to } = this.#options;
    try {
      const { headers, body } = retoldAnswer(Buffer.concat(this.#held), asked);
      this.#over = true;
      to.writeHead(this.#head.status, { ...this.#head.headers, ...headers });
      to.end(body);
    } catch (error) {
      if (!(error instanceof BrokenAnswer)) throw error;
      this.#giveUp(error.message);
    }
  }

  /** The client is told why in the way that is left: by an event, or by an answer where it has been given nothing yet. */
  #giveUp(reason: string): void {
    this.#over = true;
    this.#held = [];
    const { to, service, failureEvent, fail, giveUp } = this.#options;
    const failure = upstreamBroken(service, reason);
    if (this.#events) to.end(failureEvent(failure));
    else fail(failure);
    giveUp(failure);
  }
}
