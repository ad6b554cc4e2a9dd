/** What the scriptable upstream answers beside chat and embeddings: responses that it keeps, rerank, images, speech and transcripts. */
import type { ServerResponse } from "node:http";
import { beginEvents, reply, type Behaviour, type ReceivedRequest } from "./behaviour.ts";

/** The first bytes of a WAV file, and some sound. */
export const soundBytes = Buffer.concat([Buffer.from("RIFF\0\0\0\0WAVEfmt "), randomLike(3_000)]);

/** A PNG's signature, and some picture. */
export const pictureBytes = Buffer.concat([
  Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
  randomLike(2_000),
]);

/** Well-behaved answers by path; responses are kept for as long as the answers are. */
export function mediaBehaviours(): Readonly<Record<string, Behaviour>> {
  return {
    ...responseBehaviours(),
    "/v1/rerank": rerank,
    "/v1/images/generations": ({ body }, response) => sendPicture(response, JSON.parse(body)),
    "/v1/images/edits": async (request, response) => {
      const { prompt, image } = await readForm(request);
      sendPicture(response, { prompt, image: String(image).length });
    },
    "/v1/images/variations": async (_, response) => sendPicture(response, {}),
    "/v1/audio/speech": speak,
    "/v1/audio/transcriptions": transcribe,
    "/v1/audio/translations": transcribe,
  };
}

/** The fields of a form; a file is its name, type and bytes. */
export async function readForm({
  bytes,
  headers,
}: ReceivedRequest): Promise<Record<string, unknown>> {
  const type = headers["content-type"] ?? "";
  const form = await new Response(bytes, { headers: { "content-type": type } }).formData();
  const fields: Record<string, unknown> = {};
  for (const [name, value] of form) {
    fields[name] = typeof value === "string" ? value : await readFile(value);
  }
  return fields;
}

async function readFile(file: File): Promise<unknown> {
  return { name: file.name, type: file.type, bytes: Buffer.from(await file.arrayBuffer()) };
}

const rerank: Behaviour = ({ body }, response) => {
  const { model = "default", documents } = JSON.parse(body);
  const results = documents.map((text: string, index: number) => ({
    index,
    relevance_score: 1 / (1 + index),
    document: { text },
  }));
  reply(response, 200, JSON.stringify({ id: "rerank-1", model, results }));
};

function sendPicture(response: ServerResponse, details: object): void {
  const data = [{ b64_json: pictureBytes.toString("base64"), revised_prompt: "a cat" }];
  reply(response, 200, JSON.stringify({ created: 1, data, ...details }));
}

/** Raw bytes as they are made, or events with `stream_format: "sse"`. */
const speak: Behaviour = ({ body }, response) => {
  const { stream_format: format } = JSON.parse(body);
  const half = Math.ceil(soundBytes.length / 2);
  const pieces = [soundBytes.subarray(0, half), soundBytes.subarray(half)];
  if (format === "sse") {
    beginEvents(response);
    for (const piece of pieces) {
      const event = { type: "speech.audio.delta", audio: piece.toString("base64") };
      response.write(`data: ${JSON.stringify(event)}\n\n`);
    }
    return void response.end(`data: {"type":"speech.audio.done"}\n\n`);
  }
  response.writeHead(200, { "content-type": "audio/wav" });
  for (const piece of pieces) response.write(piece);
  return void response.end();
};

const transcribe: Behaviour = async (request, response) => {
  const { response_format: format, stream, model, file } = await readForm(request);
  const size = (file as { bytes: Buffer }).bytes.length;
  const text = `${size} bytes heard by ${JSON.stringify(model)}`;
  if (stream === "true") {
    beginEvents(response);
    response.write(`data: ${JSON.stringify({ type: "transcript.text.delta", delta: text })}\n\n`);
    return void response.end(
      `data: ${JSON.stringify({ type: "transcript.text.done", text })}\n\ndata: [DONE]\n\n`,
    );
  }
  if (format === "text")
    return void response.writeHead(200, { "content-type": "text/plain" }).end(text);
  return reply(response, 200, JSON.stringify({ text }));
};

/** OpenAI's responses: made, streamed, read again, cancelled and deleted. */
function responseBehaviours(): Readonly<Record<string, Behaviour>> {
  const kept = new Map<string, object>();
  const one =
    (answer: (id: string, document: object) => unknown): Behaviour =>
    ({ path }, response) => {
      const id = path.split("/")[3]?.split("?")[0] ?? "";
      const document = kept.get(id);
      if (document) return reply(response, 200, JSON.stringify(answer(id, document)));
      return reply(response, 404, '{"error":{"message":"no such response","code":"not_found"}}');
    };
  return {
    "/v1/responses": ({ body }, response) => {
      const { model, input, stream, previous_response_id: previous = null } = JSON.parse(body);
      const id = `resp_${kept.size + 1}${"0".repeat(16)}`;
      const document = responseDocument({ id, model, text: String(input), previous });
      if (previous !== null && !kept.has(previous)) {
        return reply(response, 404, '{"error":{"message":"no such previous response"}}');
      }
      kept.set(id, document);
      if (!stream) return reply(response, 200, JSON.stringify(document));
      beginEvents(response);
      for (const event of responseEvents(document)) response.write(event);
      return void response.end();
    },
    "GET /v1/responses/{id}": one((_, document) => document),
    "DELETE /v1/responses/{id}": one((id) => {
      kept.delete(id);
      return { id, object: "response", deleted: true };
    }),
    "POST /v1/responses/{id}/cancel": one((_, document) => ({ ...document, status: "cancelled" })),
    "GET /v1/responses/{id}/input_items": one((id) => ({
      object: "list",
      data: [{ id: `msg_${id}`, type: "message", role: "user", content: [] }],
      has_more: false,
    })),
  };
}

type Reply = Readonly<{ id: string; model: string; text: string; previous: string | null }>;

function responseDocument({ id, model, text, previous }: Reply) {
  const content = [{ type: "output_text", text, annotations: [] }];
  const output = [{ id: `msg_${id}`, type: "message", role: "assistant", content }];
  const usage = { input_tokens: 1, output_tokens: 2, total_tokens: 3 };
  const head = { id, object: "response", created_at: 1, model, status: "completed" };
  return { ...head, previous_response_id: previous, output, usage };
}

function responseEvents(document: ReturnType<typeof responseDocument>): string[] {
  const text = document.output[0]?.content[0]?.text ?? "";
  const begun = { ...document, status: "in_progress", output: [] };
  const where = { item_id: document.output[0]?.id, output_index: 0, content_index: 0 };
  const events = [
    { type: "response.created", response: begun },
    { type: "response.output_item.added", output_index: 0, item: { ...document.output[0] } },
    ...text.split(" ").map((delta) => ({ type: "response.output_text.delta", ...where, delta })),
    { type: "response.output_text.done", ...where, text },
    { type: "response.completed", response: document },
  ];
  return events.map(
    (event, index) =>
      `event: ${event.type}\ndata: ${JSON.stringify({ ...event, sequence_number: index })}\n\n`,
  );
}

/** Bytes of every value in no order that means anything, line ends and dashes among them. */
function randomLike(length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, index) => (index * 167 + (index >> 3)) % 256));
}
