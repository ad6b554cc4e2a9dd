/**
 * An upstream that is not the bottleneck: raw sockets and prepared buffers, in a process of its own. The model that a request
 * names says what comes back: `small` and `large` are whole answers, `first` a stream of one event, `paced` a stream whose pace and
 * length its `user` gives as `<ms>-<chunks>`.
 */
import { createServer, type Socket } from "node:net";

const whole = (type: string, body: string) =>
  Buffer.from(
    `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );

const completion = (content: string) =>
  JSON.stringify({
    id: "chat-1",
    object: "chat.completion",
    created: 1,
    model: "small",
    choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content } }],
    usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  });

const event = `data: ${JSON.stringify({
  id: "chat-1",
  object: "chat.completion.chunk",
  created: 1,
  model: "small",
  choices: [{ index: 0, delta: { content: "word and" }, finish_reason: null }],
})}\n\n`;

const chunked = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;

const names = ["small", "large", "first", "paced"];
const models = { object: "list", data: names.map((id) => ({ id, object: "model", created: 1 })) };
const modelList = whole("application/json", JSON.stringify(models));
const small = whole("application/json", completion("x".repeat(700)));
const large = whole("application/json", completion("x".repeat(100_000)));
const streamHead = Buffer.from(
  "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
);
const chunk = Buffer.from(chunked(event));
const streamEnd = Buffer.from(`${chunked("data: [DONE]\n\n")}0\r\n\r\n`);
const firstOnly = Buffer.concat([streamHead, chunk, streamEnd]);

type Stream = { readonly socket: Socket; left: number };

/** Streams by their pace: one timer writes a chunk to each, so that every chunk is a write of its own. */
const paces = new Map<number, Set<Stream>>();

function startStream(socket: Socket, everyMs: number, chunks: number): void {
  socket.write(streamHead);
  const streams = paces.get(everyMs) ?? openPace(everyMs);
  streams.add({ socket, left: chunks });
}

function openPace(everyMs: number): Set<Stream> {
  const streams = new Set<Stream>();
  paces.set(everyMs, streams);
  setInterval(() => {
    for (const stream of streams) beat(streams, stream);
  }, everyMs);
  return streams;
}

function beat(streams: Set<Stream>, stream: Stream): void {
  stream.left -= 1;
  if (stream.left >= 0 && !stream.socket.destroyed) return void stream.socket.write(chunk);
  streams.delete(stream);
  stream.socket.write(streamEnd);
}

function answer(socket: Socket, request: Buffer): void {
  if (request[0] === 0x47) return void socket.write(modelList);
  const model = textAt(request, '"model":"');
  if (model === "small") socket.write(small);
  else if (model === "large") socket.write(large);
  else if (model === "first") socket.write(firstOnly);
  else {
    const [everyMs, chunks] = textAt(request, '"user":"').split("-");
    startStream(socket, Number(everyMs), Number(chunks));
  }
}

function textAt(request: Buffer, opening: string): string {
  const at = request.indexOf(opening) + opening.length;
  return request.toString("latin1", at, request.indexOf(0x22, at));
}

/** The length of a request by its head, which comes in one piece. */
function lengthOfRequest(bytes: Buffer): number {
  const head = bytes.indexOf("\r\n\r\n");
  const length = /\r\ncontent-length: *(\d+)/i.exec(bytes.toString("latin1", 0, head))?.[1];
  return head + 4 + Number(length ?? 0);
}

/** As much of a request as is kept: its head and the fields behind it. */
const lookedAtBytes = 4_096;

const nothing: Buffer = Buffer.alloc(0);

const server = createServer({ noDelay: true }, (socket) => {
  let begun = nothing;
  let missing = 0;
  socket.on("error", () => {});
  socket.on("data", (piece) => {
    if (begun === nothing) {
      begun = piece;
      missing = lengthOfRequest(piece);
    } else if (begun.length < lookedAtBytes) begun = Buffer.concat([begun, piece]);
    missing -= piece.length;
    if (missing > 0) return;
    answer(socket, begun);
    begun = nothing;
  });
});

server.listen({ port: 0, host: "127.0.0.1", backlog: 4_096 }, () => {
  const address = server.address();
  process.send?.({ port: typeof address === "object" ? address?.port : 0 });
});
process.once("disconnect", () => process.exit(0));
