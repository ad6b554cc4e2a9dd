/** Who asks: judged before a byte of the body is read. */
import type { IncomingHttpHeaders } from "node:http";
import type { App } from "../app.ts";
import type { Exchange } from "./exchange.ts";
import type { Failure } from "./failure.ts";
import { mayEnter } from "../keys/scopes.ts";
import type { KeyRecord } from "../protocol.ts";
import { readProtocols } from "../realtime/subprotocols.ts";

/** The key of a request, after answering every request that has none; undefined means answered. */
export function authenticate(
  app: App,
  exchange: Exchange,
  scope: KeyRecord["scopes"][number],
): KeyRecord | undefined {
  const judged = judge(app, presentedKey(exchange.request.headers), scope);
  if ("failure" in judged) {
    exchange.fail(judged.failure);
    return undefined;
  }
  exchange.facts.key = judged.key.name;
  return judged.key;
}

type Judgement = Readonly<{ key: KeyRecord } | { failure: Failure }>;

function judge(app: App, presented: Presented, scope: KeyRecord["scopes"][number]): Judgement {
  if (app.keys.size === 0) return { failure: noKeys() };
  if (presented.kind !== "one") return refuse(app, presented.kind);
  const known = app.keys.authenticate(presented.key, Date.now());
  if (known.kind !== "known") return refuse(app, known.kind);
  if (!mayEnter(known.key, scope)) return refuse(app, "scope");
  return { key: known.key };
}

type Presented = Readonly<
  { kind: "one"; key: string } | { kind: "missing" } | { kind: "ambiguous" }
>;

/** OpenAI's clients send a bearer token, Anthropic's `x-api-key`, browsers a subprotocol; two that differ could each be meant. */
function presentedKey(headers: IncomingHttpHeaders): Presented {
  const other = String(headers["x-api-key"] ?? "").trim() || undefined;
  const inProtocol = readProtocols(headers["sec-websocket-protocol"]).key;
  const keys = [bearer(headers.authorization), other, inProtocol].filter(
    (one) => one !== undefined,
  );
  const [key] = keys;
  if (key === undefined) return { kind: "missing" };
  return keys.every((one) => one === key) ? { kind: "one", key } : { kind: "ambiguous" };
}

function bearer(authorization: string | undefined): string | undefined {
  const match = /^Bearer +([\x21-\x7e]+)$/i.exec(authorization ?? "");
  return match?.[1];
}

const refusals = {
  missing: "No key was given: send the header `Authorization: Bearer nx_…` or `x-api-key: nx_…`.",
  ambiguous: "The request holds two different keys: send one of them.",
  unknown: "The key is not one of this gateway's.",
  expired: "The key has expired.",
  scope: "The key does not have the scope that this needs.",
} as const;

function refuse(app: App, reason: keyof typeof refusals): Judgement {
  app.metrics.authFailed(reason);
  const status = reason === "scope" ? 403 : 401;
  const code = reason === "scope" ? "insufficient_scope" : "invalid_api_key";
  return { failure: { status, code, message: refusals[reason], fault: "policy" } };
}

function noKeys(): Failure {
  const message =
    "The gateway has no keys and serves nobody until one is added with `nexus keys add`.";
  return { status: 503, code: "no_keys_configured", message, fault: "gateway" };
}
