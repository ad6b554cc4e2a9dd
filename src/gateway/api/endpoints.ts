/** The inference endpoints as data: a new one is a row. */

/** One endpoint of the API that is answered by an upstream. */
export type Endpoint = Readonly<{
  /** Path at the gateway, which is also its label in metrics. */
  path: string;
  /** Path behind the upstream's `api_path`. */
  upstreamPath: string;
  method: "GET" | "POST";
  operation: string;
  /** What a service must provide to be asked; any one of them will do. */
  capabilities: readonly string[];
  /**
   * Endpoints of Anthropic's API only, which services may have or not: capabilities that will do as well because the
   * gateway translates for them. Services with such an endpoint may also declare it in their metadata.
   */
  translatedFor?: readonly string[];
  /** A `form` is multipart with files; JSON is taken there too. */
  body: "json" | "form";
  /** Whether the body must name a model; otherwise the capability alone finds a service. */
  model: "required" | "optional";
  /** Whether `stream: true` is answered with events; elsewhere it means nothing. */
  streams: boolean;
}>;

const whole = { streams: false };

/** Every inference endpoint. */
export const endpoints: readonly Endpoint[] = [
  post("/chat/completions", "createChatCompletion", ["chat"]),
  post("/completions", "createCompletion", ["completion", "chat"]),
  post("/responses", "createResponse", ["chat"]),
  post("/embeddings", "createEmbedding", ["embedding"], whole),
  post("/rerank", "createRerank", ["rerank"], { model: "optional", ...whole }),
  post("/images/generations", "createImage", ["image"], { model: "optional" }),
  post("/images/edits", "createImageEdit", ["image"], { body: "form", model: "optional" }),
  post("/images/variations", "createImageVariation", ["image"], {
    body: "form",
    model: "optional",
    ...whole,
  }),
  post("/audio/transcriptions", "createTranscription", ["asr", "audio"], {
    body: "form",
    model: "optional",
  }),
  post("/audio/translations", "createTranslation", ["asr", "audio"], {
    body: "form",
    model: "optional",
    ...whole,
  }),
  post("/audio/speech", "createSpeech", ["tts", "audio"], { model: "optional" }),
  post("/messages", "createMessage", ["messages"], { translatedFor: ["chat"] }),
  post("/messages/count_tokens", "countMessageTokens", ["messages"], {
    translatedFor: [],
    ...whole,
  }),
];

/** The endpoint that is a WebSocket: it has no body, and its model stands in the query. */
export const realtimeEndpoint: Endpoint = {
  path: "/v1/realtime",
  upstreamPath: "/realtime",
  method: "GET",
  operation: "createRealtimeSession",
  capabilities: ["realtime"],
  body: "json",
  model: "optional",
  streams: false,
};

function post(
  path: string,
  operation: string,
  capabilities: readonly string[],
  differences: Partial<Pick<Endpoint, "body" | "model" | "translatedFor" | "streams">> = {},
): Endpoint {
  const usual = { method: "POST", body: "json", model: "required", streams: true } as const;
  const named = { path: `/v1${path}`, upstreamPath: path, operation, capabilities };
  return { ...usual, ...named, ...differences };
}

/** The capabilities of which any one is enough for an endpoint, the gateway's own help included. */
export function sufficient({ capabilities, translatedFor = [] }: Endpoint): readonly string[] {
  return [...capabilities, ...translatedFor];
}

/** Whether a set of capabilities is enough for an endpoint, the gateway's own help included. */
export function offers(provides: readonly string[], endpoint: Endpoint): boolean {
  return sufficient(endpoint).some((capability) => provides.includes(capability));
}

/** An endpoint as the contract's metadata lists it. */
type ListedEndpoint = Readonly<{ path: string; method: string; operation_id: string }>;

/** The endpoints that a service of these capabilities answers itself. */
export function endpointsFor(provides: readonly string[]): readonly ListedEndpoint[] {
  return [...endpoints, realtimeEndpoint]
    .filter(({ capabilities }) => capabilities.some((one) => provides.includes(one)))
    .map(listed);
}

/** The endpoints that the gateway answers with the help of services of these capabilities. */
export function endpointsOver(provides: readonly string[]): readonly ListedEndpoint[] {
  return endpoints.filter((endpoint) => offers(provides, endpoint)).map(listed);
}

function listed({ path, method, operation }: Endpoint): ListedEndpoint {
  return { path, method, operation_id: operation };
}
