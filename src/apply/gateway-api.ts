/** The gateway's API as any OpenAI client sees it: through the published port, with a key. */
import { X509Certificate } from "node:crypto";
import { type IncomingMessage, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Duplex } from "node:stream";
import { connect as connectTls, type PeerCertificate } from "node:tls";
import { exitCodes, NexusError } from "../errors.ts";
import { readEvents } from "./sse.ts";

/** Where the API is, and the key to use it with. */
export type ApiAccess = Readonly<{
  base: string;
  key: string;
  /** PEM of the one certificate that the gateway presents; absent where it speaks plain HTTP. */
  certificate?: string;
  /** Makes a connection to it where the published port is out of reach. */
  connect?: () => Promise<Duplex>;
}>;

/** One turn of a conversation. */
export type ChatMessage = Readonly<{ role: "system" | "user" | "assistant"; content: string }>;

/** A question to a model. */
export type ChatRequest = Readonly<{
  model: string;
  messages: readonly ChatMessage[];
  /** Most tokens of the answer; the model's own limit by default. */
  max_tokens?: number;
}>;

/** A model that the key may use. */
export type ApiModel = Readonly<{ id: string; owned_by: string }>;

/** A service behind the gateway. */
export type ApiService = Readonly<{ id: string; provides: readonly string[] }>;

/** The gateway, or a service behind it, answered with a failure. */
export class ApiError extends NexusError {
  readonly code = "NEXUS_API";
  readonly exitCode = exitCodes.notReady;
  readonly remedy: string;
  override readonly details: Readonly<Record<string, unknown>>;

  constructor(failure: Readonly<{ status: number; code: string; message: string }>) {
    super(failure.message);
    this.remedy = remedies[failure.code] ?? remedyByStatus(failure.status);
    this.details = { status: failure.status, code: failure.code };
  }
}

/** Nothing answers at the gateway's address. */
export class ApiUnreachableError extends NexusError {
  readonly code = "NEXUS_API_UNREACHABLE";
  readonly exitCode = exitCodes.notReady;
  readonly remedy =
    "Look at `nexus status`. On a remote engine the port is published there: set `gateway: { host: }` in the stack file, or open an ssh tunnel to it.";
  override readonly details: Readonly<Record<string, unknown>>;

  constructor(base: string, reason: string) {
    super(`The gateway cannot be reached at ${base}: ${reason}.`);
    this.details = { base };
  }
}

const remedies: Readonly<Record<string, string>> = {
  model_not_found: "See the models there are with `nexus models ls`, and name one with `--model`.",
  invalid_api_key:
    "Use a key of this stack: `--key-file`, NEXUS_API_KEY, or a new one from `nexus keys add me --save`.",
};

function remedyByStatus(status: number): string {
  if (status === 401 || status === 403) return remedies["invalid_api_key"] ?? "";
  if (status === 429) return "Wait a moment and ask again.";
  return "Look at `nexus status` and `nexus logs gateway`.";
}

/** The models that the key may use. Throws ApiError, ApiUnreachableError. */
export async function apiModels(access: ApiAccess): Promise<readonly ApiModel[]> {
  const models = listIn(await getJson(access, "/models"));
  return models.map(({ id, owned_by }) => ({ id: String(id), owned_by: String(owned_by) }));
}

/** The services behind the gateway. Throws ApiError, ApiUnreachableError. */
export async function apiServices(access: ApiAccess): Promise<readonly ApiService[]> {
  const services = listIn(await getJson(access, "/services"));
  return services.map(({ id, provides }) => ({
    id: String(id),
    provides: Array.isArray(provides) ? provides.map(String) : [],
  }));
}

/** The answer to a question, piece by piece. Throws ApiError when it breaks off, ApiUnreachableError. */
export async function* askModel(
  access: ApiAccess,
  question: ChatRequest,
  signal?: AbortSignal,
): AsyncGenerator<string> {
  const body = JSON.stringify({ ...question, stream: true });
  const response = await send(access, {
    path: "/chat/completions",
    method: "POST",
    body,
    ...(signal ? { signal } : {}),
  });
  let complete = false;
  for await (const data of readEvents(response)) {
    complete ||= data === "[DONE]";
    if (!complete) yield textOf(JSON.parse(data));
  }
  if (!complete)
    throw new ApiError({
      status: 502,
      code: "incomplete",
      message: "The answer broke off before its end.",
    });
}

type Sending = Readonly<{ path: string; method: string; body?: string; signal?: AbortSignal }>;

async function send(
  access: ApiAccess,
  { path, method, body, signal }: Sending,
): Promise<IncomingMessage> {
  const { base, key } = access;
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const headers = {
    authorization: `Bearer ${key}`,
    ...(body === undefined ? {} : { "content-type": "application/json" }),
  };
  const options = { method, headers, ...(await route(access)), ...(signal ? { signal } : {}) };
  const request = access.certificate === undefined ? httpRequest : httpsRequest;
  request(`${base}${path}`, options, resolve)
    .on("error", (error) => {
      reject(
        signal?.aborted
          ? error
          : new ApiUnreachableError(base, error.message || String("code" in error && error.code)),
      );
    })
    .end(body);
  const response = await promise;
  if (response.statusCode === 200) return response;
  throw failureOf(response.statusCode ?? 0, await bodyOf(response));
}

/** The way to the gateway, and what it must show before it is sent the key. */
async function route({ certificate, connect }: ApiAccess) {
  const trust = certificate === undefined ? {} : trustOnly(certificate);
  const connection = await connect?.();
  if (!connection) return { agent: false, ...trust };
  if (certificate === undefined) return { createConnection: () => connection };
  return { createConnection: () => connectTls({ socket: connection, ...trust }) };
}

/** Whoever signed it and whatever it is called: the gateway told over another way that it presents this one. */
function trustOnly(certificate: string) {
  const { fingerprint256 } = new X509Certificate(certificate);
  return {
    ca: certificate,
    allowPartialTrustChain: true,
    checkServerIdentity: (_host: string, presented: PeerCertificate) =>
      presented.fingerprint256 === fingerprint256
        ? undefined
        : new Error("it presents another certificate than its own"),
  };
}

async function getJson(access: ApiAccess, path: string): Promise<unknown> {
  return JSON.parse(await bodyOf(await send(access, { path, method: "GET" })));
}

async function bodyOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString("utf8");
}

/** OpenAI's error shape, or the text as it is. */
function failureOf(status: number, body: string): ApiError {
  const error = errorIn(body);
  const message = error?.message ?? `The gateway answered with status ${String(status)}.`;
  return new ApiError({ status, code: error?.code ?? "", message });
}

type Described = Readonly<{ message: string; code: string }>;

function errorIn(body: string): Described | undefined {
  try {
    return describedError(JSON.parse(body));
  } catch {
    return undefined;
  }
}

function describedError(document: unknown): Described | undefined {
  if (!isObject(document) || !isObject(document["error"])) return undefined;
  const { message, code } = document["error"];
  return { message: String(message), code: typeof code === "string" ? code : "" };
}

/** The new text of one chunk; throws when the chunk tells of a failure. */
function textOf(chunk: unknown): string {
  const error = describedError(chunk);
  if (error !== undefined) throw new ApiError({ status: 502, ...error });
  if (!isObject(chunk) || !Array.isArray(chunk["choices"])) return "";
  const choice: unknown = chunk["choices"][0];
  const delta = isObject(choice) ? choice["delta"] : undefined;
  const content = isObject(delta) ? delta["content"] : undefined;
  return typeof content === "string" ? content : "";
}

function listIn(document: unknown): readonly Readonly<Record<string, unknown>>[] {
  const list = isObject(document) ? document["data"] : undefined;
  return Array.isArray(list) ? list.filter(isObject) : [];
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
