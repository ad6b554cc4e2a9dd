/** Who asks: judged before a byte of the body is read. */
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { App } from "../app.ts";
import type { Exchange } from "./exchange.ts";
import type { Failure } from "./failure.ts";
import type { AddressList } from "../keys/addresses.ts";
import { judgeOrigin } from "../keys/origin.ts";
import { mayEnter } from "../keys/scopes.ts";
import type { KeyRecord } from "../protocol.ts";
import type { UserRecord } from "../user.ts";
import { readProtocols } from "../realtime/subprotocols.ts";
import { isSessionToken } from "../users/sessions.ts";
import type { OpenSession } from "../users/user-book.ts";

/** The key of a request, or what a session lets its user do in the shape of one, after answering every request that has none; undefined means answered. */
export function authenticate(
  app: App,
  exchange: Exchange,
  scope: KeyRecord["scopes"][number],
): KeyRecord | undefined {
  const judged = judge(app, exchange.request, scope);
  if ("failure" in judged) {
    exchange.fail(judged.failure);
    return undefined;
  }
  exchange.facts.key = judged.key.name;
  return judged.key;
}

type Judgement = Readonly<{ key: KeyRecord } | { failure: Failure }>;

function judge(app: App, request: IncomingMessage, scope: KeyRecord["scopes"][number]): Judgement {
  const presented = presentedKey(request.headers);
  if (presented.kind === "one" && isSessionToken(presented.key)) {
    return judgeSession(app, presented.key, scope);
  }
  if (app.keys.size === 0) return { failure: noKeys() };
  if (presented.kind !== "one") return refuse(app, presented.kind);
  const known = app.keys.authenticate(presented.key, Date.now());
  if (known.kind !== "known") return refuse(app, known.kind);
  const unwelcome = known.from && judgeAddress(app, request, known.from);
  if (unwelcome) return refuse(app, unwelcome);
  if (!mayEnter(known.key, scope)) return refuse(app, "scope");
  return { key: known.key };
}

/** Why a key may not be used from where its request comes; its list is not told. */
function judgeAddress(app: App, { socket }: IncomingMessage, from: AddressList) {
  const { config } = app.registry.snapshot;
  const entry = judgeOrigin(from, app.peers.of(socket), config?.clients);
  if (entry === "listed") return undefined;
  return entry === "unlisted" ? "address" : "unseen";
}

function judgeSession(app: App, token: string, scope: KeyRecord["scopes"][number]): Judgement {
  const open = app.users.findSession(token, Date.now());
  if (!open) return refuse(app, "session");
  const key = keyOf(open);
  return mayEnter(key, scope) ? { key } : refuse(app, "scope");
}

/** The session that a request was made with; undefined when it was made with a key, or with a session that has ended. */
export function presentedSession(app: App, { request }: Exchange): OpenSession | undefined {
  const presented = presentedKey(request.headers);
  return presented.kind === "one" ? app.users.findSession(presented.key, Date.now()) : undefined;
}

/** Who pays for what a user asks: no key can be called that. */
export function payerOf({ name }: Pick<UserRecord, "name">): string {
  return `user:${name}`;
}

function keyOf({ session, user }: OpenSession): KeyRecord {
  const scopes = user.admin ? (["inference", "admin"] as const) : (["inference"] as const);
  const { created_at, expires_at } = session;
  const digest = `sha256:${session.digest}`;
  return { name: payerOf(user), digest, hint: "ns_", scopes, created_at, expires_at };
}

type Presented = Readonly<
  { kind: "one"; key: string } | { kind: "missing" } | { kind: "ambiguous" }
>;

/** OpenAI's clients send a bearer token, Anthropic's `x-api-key`, browsers a subprotocol, and clients of the system before Nexus a session in a header of its own; two that differ could each be meant. */
function presentedKey(headers: IncomingHttpHeaders): Presented {
  const other = String(headers["x-api-key"] ?? "").trim() || undefined;
  const inProtocol = readProtocols(headers["sec-websocket-protocol"]).key;
  const session = String(headers["x-session-token"] ?? "").trim();
  const inSession = isSessionToken(session) ? session : undefined;
  const keys = [bearer(headers.authorization), other, inProtocol, inSession].filter(
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
  session: "The session has ended: log in again with `POST /v1/sessions`.",
  scope: "The key does not have the scope that this needs.",
  address: "The key may not be used from the address that this request comes from.",
  unseen:
    "The key may be used from certain addresses only, and this gateway cannot see where requests come from.",
} as const;

type Told = Readonly<{ status: 401 | 403; code: string }>;

/** What is told of it; of every other reason that the key is none. */
const told: Readonly<Partial<Record<keyof typeof refusals, Told>>> = {
  session: { status: 401, code: "invalid_session" },
  scope: { status: 403, code: "insufficient_scope" },
  address: { status: 403, code: "address_not_allowed" },
  unseen: { status: 403, code: "address_unknown" },
};

function refuse(app: App, reason: keyof typeof refusals): Judgement {
  app.metrics.authFailed(reason);
  const { status, code } = told[reason] ?? { status: 401, code: "invalid_api_key" };
  return { failure: { status, code, message: refusals[reason], fault: "policy" } };
}

function noKeys(): Failure {
  const message =
    "The gateway has no keys and serves nobody until one is added with `nexus keys add`.";
  return { status: 503, code: "no_keys_configured", message, fault: "gateway" };
}
