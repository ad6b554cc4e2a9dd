/** A request whose body has been understood: what every later step works with. */
import type { Endpoint } from "../api/endpoints.ts";
import type { Exchange } from "../api/exchange.ts";
import type { App } from "../app.ts";
import type { KeyRecord } from "../protocol.ts";
import type { ChatRequest } from "../messages/request.ts";
import type { RerankRequest } from "../rerank/tei.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { Payload } from "./payload.ts";
import type { Edit } from "./splice.ts";

/** One request on its way. */
export type Inquiry = Readonly<{
  app: App;
  exchange: Exchange;
  endpoint: Endpoint;
  key: KeyRecord;
  payload: Payload;
  heartbeat: Heartbeat | undefined;
  /** The same request as a chat completion, for candidates that know nothing else. */
  chat?: ChatRequest;
  /** What has candidates answer with bytes that would answer with an address. */
  pictures?: Edit;
  /** What is to be ranked, for candidates that are asked for it in another dialect. */
  rerank?: RerankRequest;
}>;
