/** The backends that the ancestor's gateway knew: their names, their addresses, and the services behind them. Pure. */
import type { Values } from "../compose/layers.ts";

/** A kind of backend. */
export type Backend = Readonly<{
  /** Name of its service in the compose files, and of the external one that stands for it here. */
  service: string;
  /** Settings that hold its address; the first one counts. */
  settings: readonly string[];
  /** What aliases call it. */
  names: readonly string[];
  provides: readonly string[];
  /** How it is asked for readiness where it runs outside. */
  probe: unknown;
}>;

const chat = ["chat", "completion"];

/** Those of `backends_config.yaml`, and Ollama, which came before. */
export const backends: readonly Backend[] = [
  backend("ollama", ["OLLAMA_BASE_URL"], ["ollama"], [...chat, "embedding"]),
  backend("vllm", ["VLLM_BASE_URL"], ["local_vllm", "vllm"], chat),
  backend("vllm-fast", ["VLLM_FAST_BASE_URL"], ["local_vllm_fast"], chat),
  backend(
    "vllm-embeddings",
    ["VLLM_EMBEDDINGS_BASE_URL"],
    ["local_vllm_embeddings"],
    ["embedding"],
  ),
  backend("mlx", ["MLX_BASE_URL"], ["local_mlx", "mlx"], [...chat, "embedding"]),
  backend("images", ["IMAGES_HTTP_BASE_URL"], ["gpu_heavy"], ["image"]),
  backend("sdxl-turbo", ["SDXL_TURBO_BASE_URL"], ["gpu_fast"], ["image"]),
  backend("tts", ["POCKET_TTS_BASE_URL", "AUDIO_BACKEND_URL"], ["pocket_tts"], ["tts"]),
  backend("luxtts", ["LUXTTS_BASE_URL"], ["luxtts"], ["tts"]),
  backend("qwen3-tts", ["QWEN3_TTS_BASE_URL"], ["qwen3_tts"], ["tts"]),
  backend("lighton-ocr", ["LIGHTON_OCR_API_BASE_URL"], ["lighton_ocr"], ["ocr"]),
  backend("heartmula", ["HEARTMULA_BASE_URL"], ["heartmula_music"], ["music"]),
  backend("skyreels-v2", ["SKYREELS_V2_BASE_URL"], ["skyreels_v2"], ["video"]),
  backend("followyourcanvas", ["FOLLOWYOURCANVAS_BASE_URL"], ["followyourcanvas"], ["video"]),
  backend("personaplex", ["PERSONAPLEX_BASE_URL"], ["personaplex"], ["chat"]),
];

function backend(
  service: string,
  settings: readonly string[],
  names: readonly string[],
  provides: readonly string[],
): Backend {
  return { service, settings, names, provides, probe: probeOf(service, provides) };
}

/** Language models are ready with their list; the shims before the others answer /health. */
function probeOf(service: string, provides: readonly string[]): unknown {
  if (service === "ollama") return { path: "/api/version", models: "ollama" };
  const lists = /^(?:vllm|mlx)/.test(service) || provides.includes("embedding");
  return lists ? { path: "/v1/models", models: "openai" } : "/health";
}

/** Hosts that mean the machine itself, or the gateway's own container. */
const near = new Set(["localhost", "127.0.0.1", "::1", "[::1]", "0.0.0.0"]);

/** Where a backend's address leads: nowhere, into the gateway's own container, or to somebody outside. */
export type Lead =
  | Readonly<{ kind: "none" }>
  | Readonly<{ kind: "itself" }>
  | Readonly<{ kind: "outside"; service: Values }>;

/** Reads an address as the ancestor's gateway used it; `gone` are services that have no place in the stack. */
export function leadOf({ provides, probe }: Backend, url: string, gone: ReadonlySet<string>): Lead {
  if (!/^https?:/.test(url) || !URL.canParse(url)) return { kind: "none" };
  const { hostname } = new URL(url);
  if (gone.has(hostname)) return { kind: "none" };
  if (near.has(hostname)) return { kind: "itself" };
  return { kind: "outside", service: { external: url.replace(/\/+$/, ""), provides, probe } };
}
