/** `/v1/sessions`: users log in, look at their login, and log out. */
import { z } from "zod";
import type { App } from "../app.ts";
import { announcesTooMuch, readBody, type ReadBody } from "../request/body.ts";
import { peerOf } from "../users/peer.ts";
import type { Credentials, Login } from "../users/front-desk.ts";
import type { OpenSession } from "../users/user-book.ts";
import { authenticate, payerOf, presentedSession } from "./authenticate.ts";
import type { Exchange } from "./exchange.ts";
import {
  bodyTooLarge,
  invalidBody,
  overloaded,
  unsupportedEncoding,
  type Failure,
} from "./failure.ts";

const mostBytes = 16 * 1024;

const credentialsSchema = z.object({
  username: z.string().min(1).max(256),
  password: z.string().min(1).max(4_096),
});

/** Answers a login with a token, once; needs no key. */
export async function serveLogin(app: App, exchange: Exchange): Promise<void> {
  const credentials = await receiveCredentials(exchange);
  if (credentials === "left") return;
  if ("failure" in credentials) return exchange.fail(credentials.failure);
  const peer = peerOf(exchange.request.socket.remoteAddress);
  const visitor = { peer, hasLeft: () => exchange.left };
  answerLogin(app, exchange, await app.frontDesk.logIn(credentials, visitor));
}

function answerLogin(app: App, exchange: Exchange, login: Login): void {
  if (login.kind === "refused") app.metrics.authFailed("credentials");
  if (login.kind === "refused") return exchange.fail(wrongCredentials());
  if (login.kind === "wait") return exchange.fail(tooManyAttempts(login.ms));
  if (login.kind === "busy") return exchange.fail(busyHashing());
  if (login.kind === "left") return undefined;
  const { user, begun } = login;
  exchange.facts.key = payerOf(user);
  const { token, session } = begun;
  const document = { ...sessionDocument({ user, session }), token };
  const headers = { "content-type": "application/json", "cache-control": "no-store" };
  return exchange.send(201, headers, JSON.stringify(document));
}

/** Shows the session that asks, or ends it. */
export async function serveSession(app: App, exchange: Exchange): Promise<void> {
  if (!authenticate(app, exchange, "inference")) return;
  const open = presentedSession(app, exchange);
  if (!open) return exchange.fail(noSession());
  if (exchange.request.method !== "DELETE") return exchange.json(200, sessionDocument(open));
  await app.users.endSession(open.session);
  exchange.json(200, { object: "session", deleted: true });
}

function sessionDocument({ session, user: { name, admin } }: OpenSession) {
  return { object: "session", expires_at: session.expires_at, user: { name, admin } };
}

async function receiveCredentials(
  exchange: Exchange,
): Promise<Credentials | Readonly<{ failure: Failure }> | "left"> {
  const { request } = exchange;
  const encoding = request.headers["content-encoding"] ?? "identity";
  if (encoding !== "identity") return { failure: unsupportedEncoding() };
  if (announcesTooMuch(request, mostBytes)) return { failure: bodyTooLarge(mostBytes) };
  return understand(await readBody(exchange, mostBytes));
}

function understand(read: ReadBody): Credentials | Readonly<{ failure: Failure }> | "left" {
  if (read.kind === "left") return "left";
  if (read.kind === "too-large") return { failure: bodyTooLarge(mostBytes) };
  if (read.kind === "no-room") return { failure: overloaded() };
  const parsed = credentialsSchema.safeParse(parseJson(read.body));
  if (parsed.success) return parsed.data;
  return { failure: invalidBody("The body must be JSON with a `username` and a `password`.") };
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
}

function wrongCredentials(): Failure {
  const message = "The name or the password is wrong.";
  return { status: 401, code: "invalid_credentials", message, fault: "policy" };
}

function tooManyAttempts(retryAfterMs: number): Failure {
  const message = "There were too many failed logins; wait before the next one.";
  return { status: 429, code: "too_many_logins", message, fault: "policy", retryAfterMs };
}

function busyHashing(): Failure {
  const message = "More logins wait than the gateway can check soon.";
  return { status: 503, code: "overloaded", message, fault: "gateway", retryAfterMs: 5_000 };
}

function noSession(): Failure {
  const message = "This request was made with a key, which has no session.";
  return { status: 404, code: "session_not_found", message, fault: "client" };
}
