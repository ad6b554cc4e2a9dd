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
  },
  vllm: {
    template: "vllm",
    port: 8000,
    folders: [huggingface, { setting: "VLLM_CACHE", target: "/root/.cache/vllm" }],
    model: "VLLM_MODEL",
    token: true,
  },
  sglang: {
    template: "sglang",
    port: 30_000,
    folders: [huggingface],
    model: "SGLANG_MODEL",
    token: true,
  },
  webui: {
    template: "open-webui",
    port: 8080,
    folders: [{ own: "services/webui", target: "/app/backend/data" }],
  },
  qdrant: {
    template: "qdrant",
    port: 6333,
    folders: [{ own: "services/qdrant/storage", target: "/qdrant/storage" }],
  },
  speaches: { template: "speaches", port: 8000, folders: [], token: true },
  comfyui: { template: "comfyui", port: 8188, folders: [] },
  searxng: { template: "searxng", port: 8080, folders: [] },
};
