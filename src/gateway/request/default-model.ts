/** What a request means that names no model, or an empty one: the alias `default`, where the stack has one. */
import type { Endpoint } from "../api/endpoints.ts";
import type { Snapshot } from "../upstreams/registry.ts";
import { jsonPayload, type Payload } from "./payload.ts";
import { splice } from "./splice.ts";

const name = "default";

/** Whether requests need not name a model. */
export function hasDefault({ config }: Snapshot): boolean {
  return Object.hasOwn(config?.aliases ?? {}, name);
}

/** The payload with a model in it; the same where it has one, and where the capability alone finds a service. */
export function withModel(payload: Payload, endpoint: Endpoint, snapshot: Snapshot): Payload {
  if (payload.model || endpoint.model === "optional" || !hasDefault(snapshot)) return payload;
  const body = payload.bodyFor(payload.model === undefined ? undefined : name, []);
  if (!(body instanceof Buffer)) return payload;
  return jsonPayload(payload.model === undefined ? putIn(body) : body);
}

function putIn(body: Buffer): Buffer {
  const first = body.indexOf("{") + 1;
  const isEmpty = body.subarray(first).toString("latin1").trimStart().startsWith("}");
  const value = `"model":"${name}"${isEmpty ? "" : ","}`;
  return splice(body, [{ start: first, end: first, value }]);
}
