/** Remembers who made a response, as its answer passes by. */
import type { Inquiry } from "../request/inquiry.ts";
import type { Attempt } from "../request/relay.ts";
import type { Sink } from "../request/relay-options.ts";
import { responseIdIn, ResponseIdWatch } from "./response-id.ts";

/** Whether answers of an endpoint are responses that may be asked for later. */
export function makesResponses({ upstreamPath }: Inquiry["endpoint"]): boolean {
  return upstreamPath === "/responses";
}

/** The sink, with every answer of a service looked at for its id. */
export function rememberingSink(inquiry: Inquiry, service: string, sink: Sink): Sink {
  if (!makesResponses(inquiry.endpoint)) return sink;
  const { app, key } = inquiry;
  const watch = new ResponseIdWatch((id) => app.responses.remember(key.name, id, service));
  return {
    writeHead: (status, headers) => sink.writeHead(status, headers),
    flushHeaders: () => sink.flushHeaders(),
    write: (chunk) => {
      watch.push(chunk);
      return sink.write(chunk);
    },
    end: (chunk) => sink.end(chunk),
    destroy: () => sink.destroy(),
    once: (event, listener) => sink.once(event, listener),
    get headersSent() {
      return sink.headersSent;
    },
  };
}

/** Remembers an answer that came whole. */
export function rememberWhole(
  { app, key, endpoint }: Inquiry,
  service: string,
  attempt: Attempt,
): void {
  if (!makesResponses(endpoint) || attempt.kind !== "answer" || attempt.status >= 300) return;
  const id = responseIdIn(attempt.body);
  if (id !== undefined) app.responses.remember(key.name, id, service);
}
