/** Receives the body of a request in the form that its endpoint takes. */
import type { Endpoint } from "../api/endpoints.ts";
import type { Exchange } from "../api/exchange.ts";
import { unsupportedEncoding } from "../api/failure.ts";
import { mediaType } from "../api/headers.ts";
import type { App } from "../app.ts";
import { largestBody } from "../keys/hold-to-limits.ts";
import type { KeyRecord } from "../protocol.ts";
import { hasDefault } from "./default-model.ts";
import { receiveForm } from "./form.ts";
import { receiveJson, type Received } from "./payload.ts";

/** Reads what routing needs of a body; an endpoint that takes forms takes JSON as well, as OpenAI's image endpoints do. */
export async function receive(
  app: App,
  exchange: Exchange,
  endpoint: Endpoint,
  key: KeyRecord,
): Promise<Received> {
  const { settings } = app;
  const { headers } = exchange.request;
  const encoding = headers["content-encoding"] ?? "identity";
  if (encoding !== "identity") return { kind: "refused", failure: unsupportedEncoding() };
  const isForm = endpoint.body === "form" && mediaType(headers) !== "application/json";
  if (isForm) return receiveForm(app, exchange, largestBody(key, settings.upload.maxBytes));
  return receiveJson(exchange, {
    needsModel: endpoint.model === "required" && !hasDefault(app.registry.snapshot),
    limitBytes: largestBody(key, settings.maxBodyBytes),
  });
}
