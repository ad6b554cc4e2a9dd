/** Harbor's services that the catalog has as well: where their settings and their data lie there. Pure. */

/** A service of Harbor's with a template of ours; settings are named without `HARBOR_`. */
export type KnownService = Readonly<{
  template: string;
  /** Port in the container; Harbor published it under `<NAME>_HOST_PORT`. */
  port: number;
  /** Folders that are shared with the old installation: a setting that names one, or a folder of Harbor's own, and the place of the same software. */
  folders: readonly Readonly<{ setting?: string; own?: string; target: string }>[];
  /** Setting with the one model that it serves. */
  model?: string;
  /** It reads the token of Hugging Face from a secret. */
  token?: true;
  /** Variables that would take it away from where the stack reaches it, beside those that the template sets. */
  fixed?: RegExp;
  /** Variables that Harbor's compose file sets too, under `environment`: they win over an `override.env`. */
  overruled?: RegExp;
  /** What Harbor ships in its `override.env` for one sort of machine. */
  shipped?: Readonly<Record<string, string>>;
}>;

const huggingface = { setting: "HF_CACHE", target: "/root/.cache/huggingface" };

/** By Harbor's names (its `services/compose.<name>.yml`, as of v0.5.5). */
export const knownServices: Readonly<Record<string, KnownService>> = {
  ollama: {
    template: "ollama",
    port: 11_434,
    folders: [{ setting: "OLLAMA_CACHE", target: "/root/.ollama" }],
  },
  llamacpp: {
    template: "llamacpp",
    port: 8080,
    folders: [huggingface, { setting: "LLAMACPP_CACHE", target: "/root/.cache/llama.cpp" }],
    model: "LLAMACPP_MODEL",
    fixed:
      /^LLAMA_(?:API_KEY|ARG_(?:API_KEY|API_PREFIX|SSL_\w+|MODEL|MODEL_URL|HF_FILE|DOCKER_REPO))$/,
    shipped: { HSA_OVERRIDE_GFX_VERSION: "11.5.1" },
  },
  vllm: {
    template: "vllm",
    port: 8000,
    folders: [huggingface, { setting: "VLLM_CACHE", target: "/root/.cache/vllm" }],
    model: "VLLM_MODEL",
    token: true,
    fixed: /^VLLM_API_KEY$/,
    overruled: /^HUGGING_FACE_HUB_TOKEN$/,
  },
  sglang: {
    template: "sglang",
    port: 30_000,
    folders: [huggingface],
    model: "SGLANG_MODEL",
    token: true,
    overruled: /^HF_TOKEN$/,
  },
  webui: {
    template: "open-webui",
    port: 8080,
    folders: [{ own: "services/webui", target: "/app/backend/data" }],
    // The template hands over the gateway's key: it must go to no other address.
    fixed: /^(?:HOST|PORT)$|OPENAI_API_(?:KEYS?|BASE_URLS?|CONFIGS?)$/,
    overruled: /^(?:WEBUI_NAME|WEBUI_SECRET_KEY|GLOBAL_LOG_LEVEL)$/,
  },
  qdrant: {
    template: "qdrant",
    port: 6333,
    folders: [{ own: "services/qdrant/storage", target: "/qdrant/storage" }],
    fixed: /^QDRANT__SERVICE__(?:HOST|HTTP_PORT|ENABLE_TLS|ALT_API_KEY)$/,
    overruled:
      /^QDRANT__(?:SERVICE__(?:API_KEY|READ_ONLY_API_KEY|JWT_RBAC)|TELEMETRY_DISABLED|LOG_LEVEL)$/,
  },
  speaches: {
    template: "speaches",
    port: 8000,
    folders: [],
    token: true,
    fixed: /^(?:API_KEY|UVICORN_\w+)$/,
  },
  comfyui: {
    template: "comfyui",
    port: 8188,
    folders: [],
    overruled: /^(?:CLI_ARGS|HF_TOKEN|CIVITAI_TOKEN|HARBOR_COMFYUI_\w+)$/,
  },
  searxng: {
    template: "searxng",
    port: 8080,
    folders: [],
    fixed: /^(?:SEARXNG_(?:PORT|BIND_ADDRESS|SECRET)|GRANIAN_\w+)$/,
  },
};
