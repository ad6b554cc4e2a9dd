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
  {
    path: "/v1/chat/completions",
    upstreamPath: "/chat/completions",
    method: "POST",
    operation: "createChatCompletion",
    capabilities: ["chat"],
    body: "json",
    model: "required",
  },
  {
    path: "/v1/completions",
    upstreamPath: "/completions",
    method: "POST",
    operation: "createCompletion",
    capabilities: ["completion", "chat"],
    body: "json",
    model: "required",
  },
  {
    path: "/v1/embeddings",
    upstreamPath: "/embeddings",
    method: "POST",
    operation: "createEmbedding",
    capabilities: ["embedding"],
    body: "json",
    model: "required",
  },
];

/** The endpoints that a set of capabilities can answer, as the contract's metadata lists them. */
export function endpointsFor(
  provides: readonly string[],
): readonly Readonly<{ path: string; method: string; operation_id: string }>[] {
  return endpoints
    .filter(({ capabilities }) => capabilities.some((one) => provides.includes(one)))
    .map(({ path, method, operation }) => ({ path, method, operation_id: operation }));
}
