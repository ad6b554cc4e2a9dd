/** The HTTP manners all stand-ins share: a route table, JSON bodies, and settings from the environment. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

/** One request as a route sees it. */
export type Visit = Readonly<{
  request: IncomingMessage;
  response: ServerResponse;
  url: URL;
  /** The parsed JSON body; an empty object when there is none or it is not JSON. */
  body: Readonly<Record<string, unknown>>;
  /** The body as it came. */
  bytes: Buffer;
}>;

/** `METHOD /path` to what answers it; a path that ends in `*` matches what begins so. */
export type Routes = Readonly<Record<string, (visit: Visit) => void | Promise<void>>>;

/** An HTTP server over a route table; unknown paths get 404 as plain text. */
export function serverOf(routes: Routes): Server {
  return createServer((request, response) => {
    answer(routes, request, response).catch((error: unknown) => {
      process.stderr.write(`${request.method} ${request.url}: ${String(error)}\n`);
      if (response.headersSent) response.destroy();
      else sendJson(response, 500, { error: String(error) });
    });
  });
}

/** Ends the response with a JSON document. */
export function sendJson(response: ServerResponse, status: number, document: unknown): void {
  const text = JSON.stringify(document);
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
  });
  response.end(text);
}

/** A whole number from the environment, or the fallback. */
export function numberFrom(name: string, fallback: number): number {
  const text = process.env[name];
  return text === undefined || text === "" ? fallback : Number(text);
}

/** A comma-separated list from the environment, or the fallback. */
export function listFrom(name: string, fallback: readonly string[]): readonly string[] {
  const text = process.env[name];
  if (text === undefined) return fallback;
  return text.split(",").filter((word) => word !== "");
}

async function answer(
  routes: Routes,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? "/", "http://stand-in");
  const method = request.method === "HEAD" ? "GET" : request.method;
  const route = routeFor(routes, `${method} ${url.pathname}`);
  if (route === undefined) {
    response.writeHead(404, { "content-type": "text/plain" }).end("404 page not found");
    return;
  }
  const bytes = await readBody(request);
  await route({ request, response, url, body: parsed(bytes), bytes });
}

function routeFor(routes: Routes, wanted: string): Routes[string] | undefined {
  const exact = routes[wanted];
  if (exact !== undefined) return exact;
  const prefix = Object.keys(routes).find(
    (key) => key.endsWith("*") && wanted.startsWith(key.slice(0, -1)),
  );
  return prefix === undefined ? undefined : routes[prefix];
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

function parsed(bytes: Buffer): Visit["body"] {
  try {
    const document: unknown = JSON.parse(bytes.toString());
    return isObject(document) ? document : {};
  } catch {
    return {};
  }
}

function isObject(document: unknown): document is Readonly<Record<string, unknown>> {
  return typeof document === "object" && document !== null;
}
