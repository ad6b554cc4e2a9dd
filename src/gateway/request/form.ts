/** Receives a multipart form: held while it is small, passed on as it comes once its model is known, spooled until then. */
import { Readable } from "node:stream";
import type { App } from "../app.ts";
import type { Exchange } from "../api/exchange.ts";
import {
  bodyTooLarge,
  invalidBody,
  overloaded,
  spoolFailure,
  type Failure,
} from "../api/failure.ts";
import { announcesTooMuch, lingerOver } from "./body.ts";
import { InvalidBody } from "./invalid-body.ts";
import { FormScan, readBoundary, type FormModel } from "./form-scan.ts";
import type { Payload, Received } from "./payload.ts";
import { splice, type Edit } from "./splice.ts";
import { Spool } from "./spool.ts";
import { LiveForm, mustAgree, type Upload } from "./upload.ts";

/** Reads as much of a form as routing needs, never more than the limit. */
export async function receiveForm(
  app: App,
  exchange: Exchange,
  maxBytes: number,
): Promise<Received> {
  const { request, response } = exchange;
  if (announcesTooMuch(request, maxBytes)) return refused(bodyTooLarge(maxBytes));
  try {
    const hint = modelHint(exchange);
    const scan = new FormScan(readBoundary(request.headers["content-type"] ?? ""));
    if (request.headers.expect !== undefined) response.writeContinue();
    request.on("error", () => {});
    exchange.stopwatch.leave();
    const payload = await new Intake(app, exchange, { scan, hint, maxBytes }).read();
    exchange.stopwatch.back();
    return { kind: "payload", payload };
  } catch (error) {
    if (error instanceof InvalidBody) return refused(invalid(error));
    if (error instanceof Refusal) return refused(error.failure);
    if (request.complete) throw error;
    return { kind: "left" };
  }
}

/** The model named beside the body, which spares a form whose file comes first from being spooled. */
function modelHint({ request, query }: Exchange): string | undefined {
  const header = request.headers["x-nexus-model"]?.toString();
  const asked = query.get("model") ?? undefined;
  mustAgree(header, asked);
  return header ?? asked;
}

/** A form that is no further read, and why. */
class Refusal extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

type IntakeOptions = Readonly<{ scan: FormScan; hint: string | undefined; maxBytes: number }>;

/** The reading of one form up to the point where it is whole or can be passed on. */
class Intake {
  readonly #app: App;
  readonly #exchange: Exchange;
  readonly #scan: FormScan;
  readonly #hint: string | undefined;
  readonly #maxBytes: number;
  #head: Buffer[] = [];
  #bytes = 0;
  #spool: Spool | undefined;

  constructor(app: App, exchange: Exchange, { scan, hint, maxBytes }: IntakeOptions) {
    this.#app = app;
    this.#exchange = exchange;
    this.#scan = scan;
    this.#hint = hint;
    this.#maxBytes = maxBytes;
  }

  async read(): Promise<Payload> {
    if (this.#isLive()) return this.#live();
    const chunks = this.#exchange.request.iterator({ destroyOnReturn: false });
    for await (const chunk of chunks) {
      await this.#take(chunk as Buffer);
      if (this.#isLive()) return this.#live();
    }
    this.#scan.end();
    return this.#whole();
  }

  async #take(chunk: Buffer): Promise<void> {
    const { memoryBytes } = this.#app.settings.upload;
    this.#bytes += chunk.length;
    if (this.#bytes > this.#maxBytes) throw new Refusal(bodyTooLarge(this.#maxBytes));
    this.#scan.push(chunk);
    mustAgree(this.#scan.model?.value, this.#hint);
    if (this.#spool) return append(this.#spool, chunk);
    if (!this.#exchange.hold(chunk.length)) throw new Refusal(overloaded());
    this.#head.push(chunk);
    if (this.#isLive() || this.#bytes <= memoryBytes) return undefined;
    return this.#startSpool();
  }

  /** What is small is read whole all the same: then it can be sent again. */
  #isLive(): boolean {
    if (this.#spool) return false;
    const announced = Number(this.#exchange.request.headers["content-length"] ?? Infinity);
    const isKnown = this.#hint !== undefined || this.#scan.model !== undefined;
    return isKnown && announced > this.#app.settings.upload.memoryBytes;
  }

  async #startSpool(): Promise<void> {
    const { settings, spools } = this.#app;
    const spool = await Spool.open(settings.upload.folder, spools).catch(() => {
      throw new Refusal(spoolFailure());
    });
    this.#spool = spool;
    this.#exchange.response.once("close", () => void spool.close());
    if (this.#exchange.left) void spool.close();
    await append(spool, Buffer.concat(this.#head));
    this.#head = [];
  }

  #live(): Payload {
    const exchange = this.#exchange;
    const { request, response } = exchange;
    const limitBytes = this.#maxBytes;
    // An upstream may answer before it has read everything: the rest must not block the connection.
    response.once("finish", () => lingerOver(request));
    const refuse = (reason: InvalidBody | "too-large") => {
      exchange.cut(reason === "too-large" ? bodyTooLarge(limitBytes) : invalid(reason));
    };
    const head = Buffer.concat(this.#head);
    return new LiveForm({ request, scan: this.#scan, head, hint: this.#hint, limitBytes, refuse });
  }

  #whole(): Payload {
    const { model, stream } = this.#scan;
    const kept = this.#spool ?? Buffer.concat(this.#head);
    return {
      model: this.#hint ?? model?.value,
      stream,
      usageEdit: undefined,
      bodyFor: (name) => {
        const edits = editOf(model, name);
        return kept instanceof Spool ? spooledUpload(kept, edits) : splice(kept, edits);
      },
      replayable: true,
    };
  }
}

async function append(spool: Spool, chunk: Buffer): Promise<void> {
  await spool.append(chunk).catch(() => {
    throw new Refusal(spoolFailure());
  });
}

function editOf(place: FormModel | undefined, name: string | undefined): readonly Edit[] {
  return place && name !== undefined && name !== place.value ? [{ ...place, value: name }] : [];
}

function spooledUpload(spool: Spool, [edit]: readonly Edit[]): Upload {
  const { start, end, value } = edit ?? { start: 0, end: 0, value: "" };
  async function* pieces() {
    yield* spool.read(0, start);
    if (value !== "") yield Buffer.from(value);
    yield* spool.read(end, spool.bytes);
  }
  const byteLength = spool.bytes + Buffer.byteLength(value) - (end - start);
  return Object.assign(Readable.from(pieces(), { objectMode: false }), { byteLength });
}

function refused(failure: Failure): Received {
  return { kind: "refused", failure };
}

function invalid({ message, param }: InvalidBody): Failure {
  return invalidBody(message, param);
}
