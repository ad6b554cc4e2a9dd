/** Both ends of an upload, piece by piece: a client that sends when it is told to, and an upstream that reads when it is told to. */
import {
  createServer,
  request as sendRequest,
  type ClientRequest,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import type { TestGateway } from "./gateway.ts";
import { writeForm, type Part } from "./forms.ts";

/** The boundary of every form that these clients send. */
export const boundary = "----x7";

/** A request whose body is sent bit by bit. */
export type ClientUpload = Readonly<{
  request: ClientRequest;
  /** The status and the body's text; rejects when the connection breaks. */
  answer: Promise<Readonly<{ status: number; text: string; headers: IncomingMessage["headers"] }>>;
}>;

/** Begins a form's upload; without a length in the headers it is sent in chunks. */
export function beginUpload(
  gateway: TestGateway,
  path: string,
  headers: Readonly<Record<string, string | number>> = {},
): ClientUpload {
  const request = sendRequest(gateway.url + path, {
    method: "POST",
    headers: {
      authorization: `Bearer ${gateway.key}`,
      "content-type": `multipart/form-data; boundary=${boundary}`,
      ...headers,
    },
  });
  request.setNoDelay(true);
  request.flushHeaders();
  const {
    promise: answer,
    resolve,
    reject,
  } = Promise.withResolvers<Awaited<ClientUpload["answer"]>>();
  answer.catch(() => {});
  request.on("error", reject);
  request.once("response", (response) => {
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.once("error", reject);
    response.once("end", () => {
      const text = Buffer.concat(chunks).toString();
      resolve({ status: response.statusCode ?? 0, text, headers: response.headers });
    });
  });
  return { request, answer };
}

/** Sends a whole form in these pieces, each on its own as far as the network lets it be. */
export async function upload(
  gateway: TestGateway,
  path: string,
  {
    pieces,
    headers,
  }: Readonly<{ pieces: readonly Buffer[]; headers?: Record<string, string | number> }>,
): ClientUpload["answer"] {
  const { request, answer } = beginUpload(gateway, path, headers);
  for (const piece of pieces) {
    if (request.destroyed || request.socket?.destroyed) break;
    await new Promise<unknown>((resolve) => void request.write(piece, resolve));
    await new Promise((resolve) => void setImmediate(resolve));
  }
  request.end();
  return answer;
}

/** The form's bytes, cut behind the first bytes of its file; the file comes first or last. */
export function halves(parts: readonly Part[]): readonly [Buffer, Buffer] {
  const bytes = writeForm(boundary, parts);
  const cut = bytes.indexOf("audio/wav") + 40;
  return [bytes.subarray(0, cut), bytes.subarray(cut)];
}

/** An upstream whose requests are answered by the test, which reads their bodies as it likes. */
export async function startReader(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Readonly<{ url: string; stop: () => Promise<void> }>> {
  const server = createServer((request, response) => {
    request.on("error", () => {});
    if (request.method === "POST") return answer(request, response);
    const models = request.url === "/v1/models" ? [{ id: "echo" }, { id: "other" }] : [];
    return response.end(JSON.stringify({ object: "list", data: models }));
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const stop = () => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => void server.close(() => resolve()));
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop };
}
