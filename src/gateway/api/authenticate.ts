/** Who asks: judged before a byte of the body is read. */
import type { App } from "../app.ts";
import type { Exchange } from "./exchange.ts";
import type { Failure } from "./failure.ts";
import type { KeyRecord } from "../protocol.ts";

/** The key of a request, after answering every request that has none; undefined means answered. */
export function authenticate(
  app: App,
  exchange: Exchange,
  scope: KeyRecord["scopes"][number],
): KeyRecord | undefined {
  const judged = judge(app, exchange.request.headers.authorization, scope);
  if ("failure" in judged) {
    exchange.fail(judged.failure);
    return undefined;
  }
  exchange.facts.key = judged.key.name;
  return judged.key;
}

type Judgement = Readonly<{ key: KeyRecord } | { failure: Failure }>;

function judge(
  app: App,
  authorization: string | undefined,
  scope: KeyRecord["scopes"][number],
): Judgement {
  if (app.keys.size === 0) return { failure: noKeys() };
  const presented = bearer(authorization);
  if (presented === undefined) return refuse(app, "missing");
  const known = app.keys.authenticate(presented, Date.now());
  if (known.kind !== "known") return refuse(app, known.kind);
  if (!mayEnter(known.key, scope)) return refuse(app, "scope");
  return { key: known.key };
}

/** An admin key may also do what an inference key may. */
function mayEnter({ scopes }: KeyRecord, scope: KeyRecord["scopes"][number]): boolean {
  return scopes.includes(scope) || scopes.includes("admin");
}

function bearer(authorization: string | undefined): string | undefined {
  const match = /^Bearer +([\x21-\x7e]+)$/i.exec(authorization ?? "");
  return match?.[1];
}

const refusals = {
  missing: "No key was given: send the header `Authorization: Bearer nx_…`.",
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
