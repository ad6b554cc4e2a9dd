/** The inference endpoints as data: a new one is a row. */

/** One endpoint of the API that is answered by an upstream. */
export type Endpoint = Readonly<{
  /** Path at the gateway, which is also its label in metrics. */
  path: string;
  /** Path behind the upstream's `api_path`. */
  upstreamPath: string;
  method: "POST";
  operation: string;
  /** What a service must provide to be asked; any one of them will do. */
  capabilities: readonly string[];
  body: "json";
  /** Whether the body must name a model; otherwise the capability alone finds a service. */
  model: "required" | "optional";
}>;

/** Every inference endpoint. */
export const endpoints: readonly Endpoint[] = [
  post("/chat/completions", "createChatCompletion", ["chat"]),
  post("/completions", "createCompletion", ["completion", "chat"]),
  post("/responses", "createResponse", ["chat"]),
  post("/embeddings", "createEmbedding", ["embedding"]),
  post("/rerank", "createRerank", ["rerank"], { model: "optional" }),
  post("/images/generations", "createImage", ["image"], { model: "optional" }),
  post("/audio/speech", "createSpeech", ["tts", "audio"], { model: "optional" }),
];

function post(
  path: string,
  operation: string,
  capabilities: readonly string[],
  differences: Partial<Pick<Endpoint, "body" | "model">> = {},
): Endpoint {
  const usual = { method: "POST", body: "json", model: "required" } as const;
  const named = { path: `/v1${path}`, upstreamPath: path, operation, capabilities };
  return { ...usual, ...named, ...differences };
}

/** The endpoints that a set of capabilities can answer, as the contract's metadata lists them. */
export function endpointsFor(
  provides: readonly string[],
): readonly Readonly<{ path: string; method: string; operation_id: string }>[] {
  return endpoints
    .filter(({ capabilities }) => capabilities.some((one) => provides.includes(one)))
    .map(({ path, method, operation }) => ({ path, method, operation_id: operation }));
}
