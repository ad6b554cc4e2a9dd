import { expect, it } from "vitest";
import { readBackends } from "../../../src/migrate/read/backends-yaml.ts";
import { readHosts } from "../../../src/migrate/read/hosts-yaml.ts";

const at = { host: "ai2", file: "/f.yaml" };

it("hosts.yaml says which hosts and services there should be", () => {
  const { found, notUnderstood } = readHosts(
    Buffer.from(`hosts:
  ai2:
    hostname: ai2.local
    os: macos
    description: MacBook Pro M4 Max - Gateway + MLX
    roles:
      - gateway
      - mlx
  ai1: {hostname: ai1, os: ubuntu, roles: [ollama], rack: 3}
  ada2:
services:
  gateway:   {port: 8800,  healthz: /health,    requires_auth: true}
  ollama:    {port: "x",  healthz: /api/tags}
`),
    at,
  );
  expect(found.hosts).toMatchObject([
    { name: "ai2", names: ["ai2", "ai2.local"], os: "macos", roles: ["gateway", "mlx"] },
    { name: "ai1", names: ["ai1"], os: "linux", roles: ["ollama"] },
    { name: "ada2", names: ["ada2"], os: "unknown", roles: [] },
  ]);
  expect(found.services).toMatchObject([
    { name: "gateway", port: 8800, healthPath: "/health", requiresAuth: true },
    { name: "ollama", healthPath: "/api/tags" },
  ]);
  expect(notUnderstood).toMatchObject([
    { what: "hosts.ai1.rack", at: { line: 9 } },
    { what: "services.ollama.port", at: { line: 13 } },
  ]);
});

it("backends keep their URL as written, their limits and their older names", () => {
  const { found, notUnderstood } = readBackends(
    Buffer.from(`backends:
  local_mlx:
    class: local_mlx
    provider: mlx
    base_url: \${MLX_BASE_URL}
    supported_capabilities: [chat, embeddings]
    concurrency_limits: {chat: 2, embeddings: many}
    health: {liveness: /models, readiness: /models}
    payload_policy: {images_format: url, images_max_bytes: 50000000, sizes: [1]}
  gpu_fast:
    base_url: http://ada2:9050
    colour: red
  broken: 3
legacy_mapping:
  mlx: local_mlx
`),
    at,
  );
  expect(found.backends).toMatchObject([
    {
      name: "local_mlx",
      provider: "mlx",
      url: "${MLX_BASE_URL}",
      capabilities: ["chat", "embeddings"],
      limits: { chat: 2 },
      liveness: "/models",
      payload: { images_format: { value: "url" }, images_max_bytes: { value: 50_000_000 } },
    },
    { name: "gpu_fast", provider: "gpu_fast", liveness: "/healthz", readiness: "/readyz" },
  ]);
  expect([...found.otherNames]).toEqual([["mlx", "local_mlx"]]);
  expect(notUnderstood.map(({ what }) => what)).toEqual([
    "backends.local_mlx.limits.embeddings",
    "backends.local_mlx.payload.sizes",
    "backends.gpu_fast.colour",
    "backends.broken",
  ]);
});
