/** The old gateway's settings, with every trap that ancestor files have: inline comments, JSON and spaces without quotes, CRLF, `export`, names that stand twice. */
import type { HostNames } from "./names.ts";
import type { AiInfraSecrets } from "./secrets.ts";
import type { HostFile } from "./write.ts";

const app = "/var/lib/gateway/app";

/** Files below `/var/lib/gateway/app`. */
export function gatewaySettings(
  names: HostNames,
  secrets: AiInfraSecrets,
  invalidRegistry: boolean,
): readonly HostFile[] {
  const registry = JSON.stringify({ tools: tools(names) }, null, 2);
  const brokenRegistry = registry.slice(0, registry.lastIndexOf("}", registry.length - 2));
  const env = environment(names, secrets);
  return [
    { path: `${app}/.env`, content: env, mode: 0o640 },
    { path: `${app}/.env.bak.20260101120000`, content: `${env}OLD_SETTING=gone\n`, mode: 0o640 },
    { path: `${app}/.env.example`, content: "GATEWAY_BEARER_TOKEN=REPLACE_ME\n" },
    { path: `${app}/model_aliases.json`, content: JSON.stringify(aliases, null, 2), mode: 0o640 },
    { path: `${app}/tools_registry.json`, content: invalidRegistry ? brokenRegistry : registry },
    { path: `${app}/tools_registry.json.example.backup`, content: brokenRegistry },
    { path: `${app}/agent_specs.json`, content: JSON.stringify(agents, null, 2) },
    { path: `${app}/token_policies.json`, content: policyTemplate },
    { path: `${app}/app/backends_config.yaml`, content: backends(names) },
    { path: `${app}/app/main.py`, content: '"""The gateway."""\n' },
    {
      path: `${app}/DEPLOYED_GATEWAY_COMMIT`,
      content: "e14b8381bb1f3a63f5aba8dad7b5a56f59e13bf4\n",
    },
    { path: `${app}/DEPLOYED_GATEWAY_GIT_REF`, content: "main\n" },
    {
      path: `${app}/DEPLOYED_AI_INFRA_COMMIT`,
      content: "1c9a6dba0f3d5e7c9b1a2d4f6e8c0b2a4d6f8e0c\n",
    },
  ];
}

function environment(names: HostNames, secrets: AiInfraSecrets): string {
  const policies = JSON.stringify({
    [secrets.admin]: {
      ip_allowlist: "127.0.0.1,10.0.0.0/8",
      max_request_bytes: 1_000_000,
      tools_allowlist: "noop",
    },
    [secrets.automation]: {
      ip_allowlist: "0.0.0.0/0,::/0",
      max_request_bytes: 250_000,
      tools_allowlist: "noop,http_fetch_local",
      tools_rate_limit_rps: 1,
      tools_rate_limit_burst: 2,
    },
    [secrets.forgotten]: { ip_allowlist: "127.0.0.1" },
  });
  return `# Gateway settings
OLLAMA_BASE_URL=http://${names.ai1}:11434
MLX_BASE_URL=http://127.0.0.1:10240/v1
GATEWAY_HOST=127.0.0.1
GATEWAY_PORT=8800
OBSERVABILITY_HOST=127.0.0.1
OBSERVABILITY_PORT=8801
GATEWAY_BEARER_TOKEN=REPLACE_ME
GATEWAY_BEARER_TOKENS=${secrets.admin},${secrets.automation}, ${secrets.plain},change-me-in-production
GATEWAY_TOKEN_POLICIES_JSON=${policies}
GATEWAY_TOKEN_POLICIES_STRICT=true
MAX_REQUEST_BYTES=1000000
IP_ALLOWLIST="127.0.0.1,10.10.22.0/24"
UI_IP_ALLOWLIST=127.0.0.1
IMAGES_BACKEND=http_openai_images
IMAGES_BACKEND_CLASS=gpu_heavy
IMAGES_HTTP_BASE_URL=http://${names.ada2}:7860
#IMAGES_OPENAI_MODEL=
DEFAULT_BACKEND=ollama   # ollama|mlx
ROUTER_ENABLE_POLICY=true\r
ROUTER_LONG_CONTEXT_CHARS=30000\r
OLLAMA_MODEL_STRONG=qwen2.5:32b
OLLAMA_MODEL_STRONG=llama3.3:70b
OLLAMA_MODEL_FAST=qwen2.5:7b
OLLAMA_MODEL_DEFAULT=llama3.3:70b
MLX_MODEL_STRONG=mlx-community/gemma-2-2b-it-8bit
MLX_MODEL_FAST=mlx-community/gemma-2-2b-it-8bit
TOOLS_ALLOW_SHELL=false
TOOLS_SHELL_CWD=/var/lib/gateway/tools
TOOLS_LOG_PATH=/var/lib/gateway/data/tools/invocations.jsonl
TOOLS_LOG_MODE=both
TOOLS_LOG_DIR=/var/lib/gateway/data/tools
TOOLS_REGISTRY_PATH=${app}/tools_registry.json
TOOLS_REGISTRY_SHA256=
METRICS_ENABLED=true
EMBEDDINGS_BACKEND=ollama   # ollama|mlx
EMBEDDINGS_MODEL=nomic-embed-text
MEMORY_ENABLED=true
MEMORY_DB_PATH=/var/lib/gateway/data/memory.sqlite
MEMORY_TOP_K=6
USER_AUTH_ENABLED=true
USER_DB_PATH=/var/lib/gateway/data/users.sqlite
export HEARTMULA_BASE_URL=http://${names.ada2}:9920
HEARTMULA_TIMEOUT_SEC=600
MUSIC_BACKEND_CLASS=heartmula_music
POCKET_TTS_BASE_URL=http://localhost:9940
LUXTTS_BASE_URL=http://${names.ada2}:9170
QWEN3_TTS_BASE_URL=http://${names.ada2}.local:9175
SDXL_TURBO_BASE_URL=http://${names.ada2}:9050
SKYREELS_BASE_URL=http://${names.ada2}:9190
FYC_API_BASE_URL=http://127.0.0.1:8123
LIGHTON_OCR_API_BASE_URL=http://127.0.0.1:9155
PERSONAPLEX_BASE_URL=http://10.10.22.31:9160
REQUEST_LOG_ENABLED=true
REQUEST_LOG_PATH=/var/lib/gateway/data/requests.jsonl
HOUSE_RULE=be kind to the fans
this line is no assignment
`;
}

/** Each spelling that the old gateway understood, an unknown key, and entries that it dropped. */
const aliases = {
  aliases: {
    default: { backend: "ollama", model: "llama3.3:70b", context: 40_000, tools: true },
    fast: { backend: "ollama", model: "qwen2.5:7b", context: 8000, tools: false },
    coder: { backend: "ollama", model: "qwen2.5-coder:32b", context: 32_000, tools: true },
    long: { backend: "ollama", model: "qwen3:30b", context: 40_000, tools: false },
    giant: { backend: "ollama", model: "qwen3:235b", context: 40_000, tools: false },
    tiny: "ollama:llama3.2:1b",
    sketch: {
      backend: "mlx",
      upstream_model: "mlx-community/gemma-2-2b-it-8bit",
      context_window: 8192,
      max_tokens_cap: 512,
      temperature_cap: 0.3,
      note: "for drafts",
    },
    lost: { backend: "gpu_gone", model: "nothing" },
    hollow: { backend: "ollama" },
  },
};

const agents = {
  default: {
    model: "fast",
    tier: 0,
    max_turns: 8,
    max_runtime_sec: 60,
    max_total_tool_io_bytes: 2_000_000,
  },
  heavy: { model: "coder", tier: 2 },
  music: { model: "default", tier: 1, tools_allowlist: ["heartmula_generate"] },
};

const policyTemplate = `{
  "REPLACE_WITH_ADMIN_TOKEN": {"ip_allowlist": "127.0.0.1,10.0.0.0/8", "max_request_bytes": 1000000, "tools_allowlist": "noop", "tools_rate_limit_rps": 0, "tools_rate_limit_burst": 0},
  "REPLACE_WITH_AUTOMATION_TOKEN": {"ip_allowlist": "127.0.0.1,10.0.0.0/8", "max_request_bytes": 250000, "tools_allowlist": "noop,http_fetch_local", "tools_rate_limit_rps": 1, "tools_rate_limit_burst": 2}
}
`;

function tools(names: HostNames): readonly unknown[] {
  const text = (name: string, required = true) => ({
    type: "object",
    properties: { [name]: { type: "string" } },
    required: required ? [name] : [],
    additionalProperties: false,
  });
  const program = (argv: readonly string[], timeout_sec: number) => ({
    type: "subprocess",
    argv,
    timeout_sec,
    cwd: "/var/lib/gateway/tools",
  });
  return [
    {
      name: "echo",
      version: "1",
      description: "Example tool executed as a subprocess.",
      parameters: text("msg"),
      exec: program(
        [
          "/usr/bin/python3",
          "-c",
          "import sys,json; a=json.load(sys.stdin); print(a.get('msg',''))",
        ],
        5,
      ),
    },
    {
      name: "heartmula_generate",
      version: "1",
      description: `Makes music on ${names.ada2}.`,
      parameters: text("prompt"),
      exec: program(
        ["python", String.raw`c:\Users\paper\Code\gateway\tools\heartmula_generate.py`],
        600,
      ),
    },
    {
      name: "lighton_ocr",
      version: "1",
      description: "Reads text in images.",
      parameters: text("image_url"),
      exec: program(
        ["/var/lib/gateway/env/bin/python", "/var/lib/gateway/tools/lighton_ocr.py"],
        120,
      ),
    },
  ];
}

function backends(names: HostNames): string {
  return `backends:
  local_mlx:
    class: local_mlx
    base_url: http://127.0.0.1:10240/v1
    description: local inference
    supported_capabilities:
      - chat
      - embeddings
    concurrency_limits:
      chat: 2
      embeddings: 2
    health:
      liveness: /models
      readiness: /models
    payload_policy:
      images_format: null
  ollama:
    class: ollama
    base_url: http://${names.ai1}:11434
    supported_capabilities: [chat, embeddings]
    concurrency_limits: {chat: 4, embeddings: 4}
    health: {liveness: /api/version, readiness: /api/version}
  gpu_heavy:
    class: gpu_heavy
    base_url: http://${names.ada2}:7860
    supported_capabilities: [images]
    concurrency_limits: {images: 2}
    health: {liveness: /healthz, readiness: /readyz}
    payload_policy:
      images_format: url
      images_allow_base64: true
      images_max_bytes: 50000000
  heartmula_music:
    class: heartmula_music
    base_url: \${HEARTMULA_BASE_URL}
    supported_capabilities: [music]
    concurrency_limits: {music: 2}
    health: {liveness: /healthz, readiness: /readyz}
    payload_policy: {}
  pocket_tts:
    class: pocket_tts
    base_url: http://${names.ai2}:9940
    supported_capabilities: [tts]
    concurrency_limits: {tts: 4}
    health: {liveness: /healthz, readiness: /readyz}
  attic:
    class: attic
    base_url: http://attic.example:9999
    supported_capabilities: [video]
legacy_mapping:
  mlx: local_mlx
`;
}
