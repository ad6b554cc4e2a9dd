/** One candidate's turn: the attempt, in a slot that is held until the last byte. */
import type { Endpoint } from "../api/endpoints.ts";
import type { Failure } from "../api/failure.ts";
import { isTranslated, translationFor, type Translation } from "../messages/translation.ts";
import type { Upstream } from "../config.ts";
import { rerankTranslation, speaksTei } from "../rerank/translation.ts";
import { rememberingSink, rememberWhole } from "../responses/remember.ts";
import type { Candidate } from "../routing/route.ts";
import type { Verdict } from "../upstreams/health.ts";
import { UsageTap } from "../usage/usage-tap.ts";
import { follow } from "./follow.ts";
import type { Inquiry } from "./inquiry.ts";
import { relayLimits } from "./patience.ts";
import { sendsAddresses } from "./pictures.ts";
import type { RelayOptions, RelayRequest } from "./relay-options.ts";
import { startAttempt, type Attempt } from "./relay.ts";
import { inSlot } from "./slot.ts";
import type { Edit } from "./splice.ts";
import { verdictOf } from "./verdict.ts";

/** What a candidate's turn came to: an attempt, or no slot for one. */
export type Turn = Attempt | Readonly<{ kind: "refused"; failure: Failure }>;

/** Waits for a slot and makes the attempt; undefined when the client left before there was one. */
export async function admit(inquiry: Inquiry, candidate: Candidate): Promise<Turn | undefined> {
  const { backend } = candidate.monitor;
  inquiry.heartbeat?.wait();
  let refusal: Turn | undefined;
  const refuse = (failure: Failure) => {
    refusal = { kind: "refused", failure };
  };
  const work = () => attemptTwice(inquiry, candidate);
  return (await inSlot({ ...inquiry, backend, refuse }, work)) ?? refusal;
}

/** A kept-alive connection may close under a request: such a request reached nobody and is sent once more. */
async function attemptTwice(inquiry: Inquiry, candidate: Candidate): Promise<Attempt> {
  const { upstream, backend } = candidate.monitor;
  const first = await attemptOnce(inquiry, candidate);
  const isStale = first.kind === "failed" && first.stale && first.failure.status !== 504;
  if (!isStale || !inquiry.payload.replayable || !backend.retries.allows) return first;
  inquiry.app.metrics.retried(upstream.id);
  const second = await attemptOnce(inquiry, candidate);
  if (second.kind === "failed") backend.retries.spend();
  return second;
}

async function attemptOnce(inquiry: Inquiry, candidate: Candidate): Promise<Attempt> {
  const { app, exchange } = inquiry;
  const { upstream, backend } = candidate.monitor;
  if (exchange.over) return { kind: "cancelled", streaming: false };
  const usageEdit = editToAsk(inquiry, upstream);
  const tap = new UsageTap({ hidesUsage: usageEdit !== undefined, textBytes: textBytes(inquiry) });
  exchange.tap = tap;
  const note = backend.health.begin();
  const translation = translationOf(inquiry, candidate);
  const taken = translation ?? { sink: rememberingSink(inquiry, upstream.id, exchange.response) };
  const options = { ...relayOptions(inquiry, candidate, note), ...takenBy(taken), tap };
  const request = translation
    ? translatedRequest(inquiry, translation)
    : relayRequest(inquiry, candidate, usageEdit);
  const start = () => startAttempt(request, options);
  const told = await follow(
    { app, exchange, service: upstream.id },
    translation ? () => translation.watch(start()) : start,
  );
  if (told.kind === "answer") tap.whole(told.body);
  rememberWhole(inquiry, upstream.id, told);
  const result = translation?.outcome(told) ?? told;
  note(verdictOf(result));
  return result;
}

/** Where the answer goes, and how much of it is held. */
function takenBy({ sink, wholeUpTo }: Pick<RelayOptions, "sink" | "wholeUpTo">) {
  return wholeUpTo === undefined ? { sink } : { sink, wholeUpTo };
}

function relayOptions(
  { app, exchange, endpoint, heartbeat }: Inquiry,
  { monitor: { upstream, backend } }: Candidate,
  note: (verdict: Verdict) => void,
): Omit<RelayOptions, "sink" | "tap"> {
  return {
    backend,
    limits: relayLimits(app),
    ownHeaders: () => exchange.routeHeaders(),
    failureEvent: (failure) => exchange.failureEvent(failure),
    onAnswer: (events) => heartbeat?.follow(events),
    onFirstByte: () => {
      note({ kind: "success" });
      app.metrics.firstByte(endpoint.path, upstream.id, exchange.seconds);
    },
    onBroken: (failure) => exchange.note(failure),
  };
}

function translationOf(
  { exchange, endpoint, chat, rerank }: Inquiry,
  candidate: Candidate,
): Translation | undefined {
  if (chat && isTranslated(endpoint, candidate)) return translationFor(exchange, chat, candidate);
  const isNeeded = rerank !== undefined && speaksTei(endpoint, candidate);
  return isNeeded ? rerankTranslation(exchange, rerank, candidate) : undefined;
}

function translatedRequest(
  { exchange, endpoint }: Inquiry,
  { path, headers, body }: Translation,
): RelayRequest {
  return { method: endpoint.method, path, headers: headers(exchange.upstreamHeaders()), body };
}

/** OpenAI's endpoints that know `stream_options`; `/responses` tells its usage unasked. */
const asked = new Set(["/chat/completions", "/completions"]);

function editToAsk({ endpoint, payload }: Inquiry, { stream_usage: tells }: Upstream) {
  return tells === true && asked.has(endpoint.upstreamPath) ? payload.usageEdit : undefined;
}

/** The length of a request for text, as its client announced it. */
function textBytes({ endpoint, exchange }: Inquiry): number | undefined {
  const isText = ["chat", "messages"].some((one) => endpoint.capabilities.includes(one));
  if (!isText) return undefined;
  return Number(exchange.request.headers["content-length"] ?? 0);
}

function relayRequest(
  { exchange, endpoint, payload, pictures }: Inquiry,
  { monitor, model }: Candidate,
  usageEdit: Edit | undefined,
): RelayRequest {
  const forBytes = sendsAddresses(monitor.upstream) ? pictures : undefined;
  const edits = [usageEdit, forBytes].filter((edit) => edit !== undefined);
  const body = payload.bodyFor(model, edits);
  const headers = exchange.upstreamHeaders();
  if (body.byteLength !== undefined) headers["content-length"] = String(body.byteLength);
  const path = monitor.upstream.api_path + endpoint.upstreamPath;
  const query = queryOf(exchange.request.url ?? "", endpoint);
  return { method: endpoint.method, path: path + query, headers, body };
}

/** The query of a request target with its question mark, or nothing; the model in a form's address was for the gateway. */
function queryOf(target: string, { body }: Endpoint): string {
  const mark = target.indexOf("?");
  if (mark === -1) return "";
  if (body !== "form") return target.slice(mark);
  const rest = target.slice(mark + 1).split("&");
  const kept = rest.filter((parameter) => !new URLSearchParams(parameter).has("model"));
  return kept.length === 0 ? "" : `?${kept.join("&")}`;
}
