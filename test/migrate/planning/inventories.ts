/** Inventories made by hand, small ones and one of three hosts. */
import type { Choices, Target } from "../../../src/migrate/migration-plan.ts";
import type {
  FoundAlias,
  FoundHost,
  FoundService,
  FoundToken,
  Inventory,
} from "../../../src/migrate/inventory.ts";
import type { Place } from "../../../src/migrate/reading.ts";
import { Secret } from "../../../src/migrate/secret.ts";

const app = "/var/lib/gateway/app";
const data = "/var/lib/gateway/data";

export function at(on: string, file: string, line?: number): Place {
  return { host: on, file, ...(line !== undefined && { line }) };
}

export const env = (line: number): Place => at("ai2", `${app}/.env`, line);

export const nothing: Inventory = {
  kind: "ai-infra",
  hosts: [],
  services: [],
  tokens: [],
  users: [],
  aliases: [],
  routing: { models: {} },
  databases: [],
  files: [],
  models: [],
  urls: [],
  notUnderstood: [],
  warnings: [],
};

export const choices: Choices = {
  stack: "home",
  directory: "/srv/home",
  output: "nexus.yaml",
  here: ["ai1", "ai2"],
  models: "copy",
};

export const emptyTarget: Target = {
  files: [],
  ports: [],
  engine: { volumes: [], containers: [], local: true, freeBytes: 1e12 },
  freeBytes: 1e12,
};

export function host(name: string, more: Partial<FoundHost> = {}): FoundHost {
  return { name, names: [name, `${name}.local`], os: "linux", live: false, roles: [], ...more };
}

export function service(name: string, on: string, more: Partial<FoundService> = {}): FoundService {
  return {
    name,
    host: on,
    at: at(on, `/etc/${name}/${name}.env`),
    template: name,
    provides: [],
    apiPath: "/v1",
    settings: {},
    models: [],
    ...more,
  };
}

export function token(name: string, more: Partial<FoundToken> = {}): FoundToken {
  const secret = new Secret(`${name}-0123456789abcdef`);
  return { at: env(20), kind: "token", name, digest: secret.digest(), hint: "0123456", ...more };
}

export function alias(name: string, more: Partial<FoundAlias> = {}): FoundAlias {
  return {
    name,
    at: at("ai2", `${app}/model_aliases.json`),
    backend: "ollama",
    model: "llama3.3:70b",
    ...more,
  };
}

/** ai2 is a Mac with the gateway and MLX; ai1 has Ollama; ada2 has what makes images and music. */
export const threeHosts: Inventory = {
  kind: "ai-infra",
  hosts: [
    host("ai2", { os: "macos", roles: ["gateway", "mlx"] }),
    host("ai1", { names: ["ai1", "ai1.local", "10.10.22.11"], roles: ["ollama"] }),
    host("ada2", { roles: ["invokeai", "ollama"] }),
  ],
  gateway: {
    host: "ai2",
    at: env(1),
    unit: { manager: "launchd", name: "com.ai.gateway" },
    listens: { address: "0.0.0.0", port: 8800 },
    observability: { address: "127.0.0.1", port: 8801 },
    tls: {
      certificate: { value: "/etc/ssl/certs/server.crt", at: env(3) },
      key: { value: "/etc/ssl/private/server.key", at: env(4) },
    },
    ipAllowlist: { value: ["127.0.0.1", "10.10.22.0/24"], at: env(5) },
    maxRequestBytes: { value: 1_000_000, at: env(6) },
    carried: {
      MEMORY_TOP_K: { value: "6", at: env(40) },
      TOOLS_PASSWORD: { value: new Secret("carried-secret-value"), at: env(41) },
    },
  },
  services: [
    service("ollama", "ai1", {
      provides: ["chat", "completion", "embedding"],
      listens: { address: "0.0.0.0", port: 11_434 },
      unit: { manager: "systemd", name: "ollama.service" },
      settings: {
        OLLAMA_HOST: { value: "0.0.0.0:11434", at: at("ai1", "/etc/ollama/ollama.env", 1) },
        OLLAMA_KEEP_ALIVE: { value: "30m", at: at("ai1", "/etc/ollama/ollama.env", 2) },
      },
    }),
    service("mlx", "ai2", {
      provides: ["chat", "completion"],
      listens: { address: "127.0.0.1", port: 10_240 },
      models: ["mlx-community/gemma-2-2b-it-8bit"],
    }),
    service("invokeai", "ada2", {
      provides: ["image"],
      listens: { address: "0.0.0.0", port: 7860 },
    }),
    service("heartmula", "ada2", {
      provides: ["music"],
      listens: { address: "0.0.0.0", port: 9920 },
    }),
    service("lighton-ocr", "ada2", {
      provides: ["ocr"],
      listens: { address: "127.0.0.1", port: 9155 },
    }),
    service("telegram-bot", "ai2", {
      settings: { TELEGRAM_TOKEN: { value: new Secret("telegram-secret-value"), at: env(1) } },
    }),
  ],
  tokens: [
    token("gateway", { at: env(7) }),
    token("automation", {
      at: env(8),
      policy: { ipAllowlist: [], maxRequestBytes: 250_000, tools: { tools_allowlist: "noop" } },
    }),
    token("placeholder", { at: env(9), refused: "everybody knows it" }),
  ],
  users: [
    {
      name: "ada",
      at: at("ai2", `${data}/users.sqlite`),
      hash: new Secret("a-password-hash"),
      salt: new Secret("a-password-salt"),
      admin: true,
      disabled: false,
      createdAt: "2026-01-01T00:00:00Z",
    },
  ],
  aliases: [
    alias("default", { maxTokens: 4096, temperature: 0.7 }),
    alias("fast", { model: "qwen2.5:7b" }),
    alias("giant", { model: "qwen3:235b" }),
    alias("absent", { model: "phi4:14b" }),
    alias("mac", { backend: "mlx", model: "mlx-community/gemma-2-2b-it-8bit" }),
    alias("gone", { backend: "vllm-embeddings-ada2", model: "x" }),
  ],
  routing: {
    defaultBackend: { value: "ollama", at: env(10) },
    policy: { value: true, at: env(11) },
    models: { "ollama.default": { value: "llama3.3:70b", at: env(12) } },
    embeddings: { value: { backend: "ollama", model: "nomic-embed-text" }, at: env(13) },
  },
  databases: [
    {
      name: "memory",
      host: "ai2",
      path: `${data}/memory.sqlite`,
      bytes: 40_000_000,
      rows: { memory: 12 },
      embeddings: { "768": 12 },
    },
    { name: "users", host: "ai2", path: `${data}/users.sqlite`, bytes: 1_000_000 },
  ],
  files: [
    {
      what: "voice-library",
      host: "ai2",
      path: `${data}/voice_library`,
      kind: "folder",
      files: 3,
      bytes: 9_000_000,
    },
  ],
  models: [
    {
      service: "ollama",
      host: "ai1",
      path: "/usr/share/ollama/.ollama/models",
      format: "ollama",
      bytes: 45_000_000_000,
      models: [
        { name: "llama3.3:70b", bytes: 40_000_000_000, complete: true },
        { name: "qwen2.5:7b", bytes: 4_700_000_000, complete: true },
        { name: "qwen3:235b", bytes: 0, complete: false },
        { name: "nomic-embed-text:latest", bytes: 270_000_000, complete: true },
      ],
    },
  ],
  urls: [
    { value: { setting: "OLLAMA_BASE_URL", url: "http://10.10.22.11:11434" }, at: env(30) },
    { value: { setting: "MLX_BASE_URL", url: "http://127.0.0.1:10240/v1" }, at: env(31) },
    { value: { setting: "IMAGES_HTTP_BASE_URL", url: "http://ada2:7860" }, at: env(32) },
    { value: { setting: "SKYREELS_BASE_URL", url: "http://127.0.0.1:9190" }, at: env(33) },
    { value: { setting: "PUBLIC_BASE_URL", url: "https://ai2.local:8800" }, at: env(34) },
    { value: { setting: "OTHER_URL", url: "https://user:url-secret@example.com/x" }, at: env(35) },
    {
      value: { setting: "HEARTMULA_UPSTREAM", url: "http://localhost:9920" },
      at: at("ada2", "/etc/heartmula/heartmula.env", 3),
    },
  ],
  notUnderstood: [{ at: env(50), what: "SHIM_MODEL_PRESETS_JSON", why: "is no JSON" }],
  warnings: [{ value: "iptables rules do not hold for published ports", at: at("ada2", "/etc/x") }],
};
