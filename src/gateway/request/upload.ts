/** A form on its way to an upstream: read from the client as fast as the upstream takes it, and no faster. */
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { InvalidBody } from "./invalid-body.ts";
import type { FormScan } from "./form-scan.ts";
import type { Payload } from "./payload.ts";

/** A body that is sent as it is read; its length is known unless the model's name changes it in a way not known yet. */
export type Upload = Readable & Readonly<{ byteLength: number | undefined }>;

/** A form that has begun to come, and what is known of it. */
export type Arrival = Readonly<{
  request: IncomingMessage;
  scan: FormScan;
  /** What has come of it. */
  head: Buffer;
  /** The model that the request names beside its body; the form must name the same or none. */
  hint: string | undefined;
  limitBytes: number;
  /** Told when the form turns out, on its way, to be one that no upstream should see. */
  refuse: (reason: InvalidBody | "too-large") => void;
}>;

/** A form of which no more is kept than what came before its model was known. */
export class LiveForm implements Payload {
  readonly model: string | undefined;
  readonly stream: boolean;
  readonly usageEdit = undefined;
  readonly arrival: Arrival;
  readonly #announced: number | undefined;
  /** What stands before the first byte that an upstream has not been given a chance to read. */
  #begun = false;
  #bytes: number;

  constructor(arrival: Arrival) {
    const { scan, head, hint, request } = arrival;
    this.arrival = arrival;
    this.model = hint ?? scan.model?.value;
    this.stream = scan.stream;
    const length = request.headers["content-length"];
    this.#announced = length === undefined ? undefined : Number(length);
    this.#bytes = head.length;
  }

  /** Until more of it has been read than what is kept, it can be sent again. */
  get replayable(): boolean {
    return !this.#begun;
  }

  bodyFor(model: string | undefined): Upload {
    return new LiveUpload(this, model === this.model ? undefined : model);
  }

  /** How long the body is with another model in it; undefined when that is not known. */
  lengthWith(model: string | undefined): number | undefined {
    const { model: place } = this.arrival.scan;
    if (this.#announced === undefined || model === undefined) return this.#announced;
    if (!place) return undefined;
    return this.#announced + Buffer.byteLength(model) - (place.end - place.start);
  }

  /** Looks at bytes that have come; false when they must not be passed on, which has been told. */
  accept(chunk: Buffer): boolean {
    const { scan, hint, limitBytes } = this.arrival;
    this.#begun = true;
    this.#bytes += chunk.length;
    if (this.#bytes > limitBytes) return this.#refuse("too-large");
    return this.#judge(() => {
      scan.push(chunk);
      mustAgree(scan.model?.value, hint);
    });
  }

  /** Looks at the end; false when it comes too early, which has been told. */
  acceptEnd(): boolean {
    return this.#judge(() => this.arrival.scan.end());
  }

  #judge(look: () => void): boolean {
    try {
      look();
      return true;
    } catch (error) {
      if (error instanceof InvalidBody) return this.#refuse(error);
      throw error;
    }
  }

  #refuse(reason: InvalidBody | "too-large"): false {
    this.arrival.refuse(reason);
    return false;
  }
}

/** Refuses a form whose `model` is not the one that its request was routed by. */
export function mustAgree(model: string | undefined, hint: string | undefined): void {
  if (model === undefined || hint === undefined || model === hint) return;
  const message = "The form names another `model` than the request's address or header.";
  throw new InvalidBody(message, "model");
}

/** One attempt to send a live form. */
class LiveUpload extends Readable {
  readonly byteLength: number | undefined;
  readonly #form: LiveForm;
  readonly #substitution: Substitution;
  #flowing = false;

  constructor(form: LiveForm, model: string | undefined) {
    super();
    this.byteLength = form.lengthWith(model);
    this.#form = form;
    this.#substitution = new Substitution(form.arrival.scan, model);
    this.#pass(form.arrival.head);
  }

  override _read(): void {
    const { request } = this.#form.arrival;
    if (this.#flowing) return void request.resume();
    this.#flowing = true;
    // Its end may have been told while nobody listened.
    if (request.readableEnded) return this.#onEnd();
    request.on("data", this.#onData).once("end", this.#onEnd).resume();
    return undefined;
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    const { request } = this.#form.arrival;
    if (this.#flowing) request.off("data", this.#onData).off("end", this.#onEnd).pause();
    callback(error);
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#form.accept(chunk) && !this.#pass(chunk)) this.#form.arrival.request.pause();
  };

  readonly #onEnd = (): void => {
    if (this.#form.acceptEnd()) this.push(null);
  };

  /** False when the upstream should be let catch up. */
  #pass(chunk: Buffer): boolean {
    let hungry = true;
    for (const piece of this.#substitution.pass(chunk)) hungry = this.push(piece);
    return hungry;
  }
}

/** Puts another name where the model stands, holding back its value until the whole of it has come. */
class Substitution {
  readonly #scan: FormScan;
  readonly #name: string | undefined;
  #held: Buffer = Buffer.alloc(0);
  /** The offset of the first byte that is held, or will come next. */
  #from = 0;
  #done = false;

  constructor(scan: FormScan, name: string | undefined) {
    this.#scan = scan;
    this.#name = name;
  }

  /** What may go on, now that the scan has seen this chunk. */
  pass(chunk: Buffer): readonly Buffer[] {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const { model, openModelAt } = this.#scan;
    if (this.#name === undefined || this.#done) return this.#release(bytes, []);
    if (model) {
      this.#done = true;
      const before = bytes.subarray(0, model.start - this.#from);
      const after = bytes.subarray(model.end - this.#from);
      return this.#release(bytes, [before, Buffer.from(this.#name), after]);
    }
    if (openModelAt === undefined) return this.#release(bytes, []);
    const ready = bytes.subarray(0, openModelAt - this.#from);
    this.#held = bytes.subarray(ready.length);
    this.#from += ready.length;
    return ready.length === 0 ? [] : [ready];
  }

  #release(bytes: Buffer, pieces: readonly Buffer[]): readonly Buffer[] {
    this.#from += bytes.length;
    this.#held = Buffer.alloc(0);
    const all = pieces.length === 0 ? [bytes] : pieces;
    return all.filter(({ length }) => length > 0);
  }
}
