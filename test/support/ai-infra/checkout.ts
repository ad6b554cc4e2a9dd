/** The git checkout of ai-infra: templates and a `hosts.yaml` that is out of date, and nothing live. */
import type { HostNames } from "./names.ts";
import type { HostFile } from "./write.ts";

/** Files of the checkout; on Linux it lies in `/home/ai`. */
export function checkout(names: HostNames, home: string): readonly HostFile[] {
  const path = `${home}/ai/ai-infra`;
  return [
    { path: `${path}/hosts.yaml`, content: hosts(names) },
    { path: `${path}/README.md`, content: "# ai-infra\n" },
    {
      path: `${path}/services/gateway/env/gateway.env.example`,
      content: "GATEWAY_BEARER_TOKEN=REPLACE_ME\n",
    },
    {
      path: `${path}/services/gateway/env/tools_registry.json.example.backup`,
      content: '{"tools": [\n',
    },
    { path: `${path}/services/ollama/models/manifest.txt`, content: "" },
    { path: `${path}/services/mlx/models/manifest.txt`, content: "" },
  ];
}

function hosts(names: HostNames): string {
  return `hosts:
  ${names.ai2}:
    hostname: ${names.ai2}
    os: macos
    description: MacBook Pro M4 Max - Gateway + MLX
    roles:
      - gateway
      - mlx
      - librechat
      - heartmula
  ${names.ai1}:
    hostname: ${names.ai1}
    os: ubuntu
    description: RTX 5060 Ti (16GB) - Fast inference
    roles:
      - ollama
  ${names.ada2}:
    hostname: ${names.ada2}
    os: ubuntu
    description: RTX 6000 Ada (46GB) - Image generation
    roles:
      - invokeai
      - ollama
services:
  gateway:
    port: 8800
    healthz: /health
    requires_auth: true
  mlx: {port: 10240, healthz: /v1/models, requires_auth: false}
  ollama: {port: 11434, healthz: /api/tags, requires_auth: false}
  invokeai: {port: 7860, healthz: /healthz, requires_auth: false}
  librechat: {port: 3080, healthz: /health, requires_auth: false}
  heartmula: {port: 9920, healthz: /health, requires_auth: false}
`;
}
