/** What a client sends, understood as far as routing needs it and otherwise untouched. */
import type { Exchange } from "../api/exchange.ts";
import { bodyTooLarge, invalidBody, overloaded, type Failure } from "../api/failure.ts";
import { announcesTooMuch, readBody } from "./body.ts";
import { scanBody, type BodyScan } from "./body-scan.ts";
import { InvalidBody } from "./invalid-body.ts";
import { splice, type Edit } from "./splice.ts";
import type { Upload } from "./upload.ts";

/** The body of a request, for any upstream that is asked. */
export type Payload = Readonly<{
  /** The model asked for; undefined when the body names none. */
  model: string | undefined;
  /** The response that is continued; undefined when the body names none. */
  previousResponse?: string | undefined;
  /** Whether the body has tools that the model could call; undefined where that means nothing. */
  tools?: boolean;
  /** How large the body is, where it is known. */
  bytes?: number;
  /** Whether the body asks for a stream. */
  stream: boolean;
  /** What has a stream tell its usage whose client did not ask for it; undefined where that cannot be or need not be. */
  usageEdit: Edit | undefined;
  /** The body as an upstream gets it that calls the model by this name, other edits made; undefined keeps the name as it came. */
  bodyFor: (model: string | undefined, edits: readonly Edit[]) => Buffer | Upload;
  /** Whether the body can be sent more than once. */
  replayable: boolean;
}>;

/** What became of reading a body: `left` means that there is nobody to answer any more. */
export type Received = Readonly<
  { kind: "payload"; payload: Payload } | { kind: "refused"; failure: Failure } | { kind: "left" }
>;

/** Reads the JSON body of a request, never more than the limit. */
export async function receiveJson(
  exchange: Exchange,
  { needsModel, limitBytes }: Readonly<{ needsModel: boolean; limitBytes: number }>,
): Promise<Received> {
  const tooLarge = { kind: "refused", failure: bodyTooLarge(limitBytes) } as const;
  if (announcesTooMuch(exchange.request, limitBytes)) return tooLarge;
  exchange.stopwatch.leave();
  const read = await readBody(exchange, limitBytes);
  exchange.stopwatch.back();
  if (read.kind === "too-large") return tooLarge;
  if (read.kind === "no-room") return { kind: "refused", failure: overloaded() };
  return read.kind === "left" ? read : understand(read.body, needsModel);
}

function understand(body: Buffer, needsModel: boolean): Received {
  try {
    const scan = scanBody(body);
    if (scan.model?.value || !needsModel) {
      return { kind: "payload", payload: jsonPayload(body, scan) };
    }
    return refuse(new InvalidBody("The request body must name a `model`.", "model"));
  } catch (error) {
    if (error instanceof InvalidBody) return refuse(error);
    throw error;
  }
}

function refuse({ message, param }: InvalidBody): Received {
  return { kind: "refused", failure: invalidBody(message, param) };
}

/** The payload that a JSON body is; throws InvalidBody when it is none. */
export function jsonPayload(body: Buffer, scan: BodyScan = scanBody(body)): Payload {
  const { model, previousResponse, tools, stream, usageEdit } = scan;
  return {
    model: model?.value,
    previousResponse,
    tools,
    bytes: body.length,
    stream,
    usageEdit,
    bodyFor: (name, edits) => {
      if (!model || name === undefined || name === model.value) return splice(body, edits);
      return splice(body, [...edits, { ...model, value: JSON.stringify(name) }]);
    },
    replayable: true,
  };
}
