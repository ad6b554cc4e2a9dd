/** Which service a backend of the old gateway is. Pure. */
import type { Placed } from "./placed.ts";
import { gatewayUrl, meaningOf } from "./rewrite-urls.ts";
import { isHere, type Scene } from "./scene.ts";

type Backend = Readonly<{ services: readonly string[]; settings: readonly string[] }>;

/** The classes of the old backends_config.yaml, with the settings that hold their addresses. */
const backends: Readonly<Record<string, Backend>> = {
  ollama: { services: ["ollama"], settings: ["OLLAMA_BASE_URL"] },
  mlx: { services: ["mlx"], settings: ["MLX_BASE_URL"] },
  local_mlx: { services: ["mlx"], settings: ["MLX_BASE_URL"] },
  local_vllm: { services: ["vllm"], settings: ["VLLM_BASE_URL"] },
  vllm: { services: ["vllm"], settings: ["VLLM_BASE_URL"] },
  local_vllm_fast: { services: ["vllm-fast"], settings: ["VLLM_FAST_BASE_URL"] },
  local_vllm_embeddings: {
    services: ["vllm-embeddings"],
    settings: ["VLLM_EMBEDDINGS_BASE_URL"],
  },
  gpu_fast: { services: ["sdxl-turbo"], settings: ["SDXL_TURBO_BASE_URL"] },
  gpu_heavy: { services: ["image-adapter", "invokeai"], settings: ["IMAGES_HTTP_BASE_URL"] },
  heartmula_music: { services: ["heartmula"], settings: ["HEARTMULA_BASE_URL"] },
  pocket_tts: { services: ["pocket-tts"], settings: ["POCKET_TTS_BASE_URL", "TTS_BASE_URL"] },
  skyreels_v2: {
    services: ["skyreels-v2"],
    settings: ["SKYREELS_BASE_URL", "SKYREELS_V2_BASE_URL"],
  },
};

/** The service that a backend's requests go to now; undefined when the installation had none of that kind. */
export function backendService(
  backend: string,
  placed: readonly Placed[],
  scene: Scene,
): Placed | undefined {
  const known = Object.hasOwn(backends, backend) ? backends[backend] : undefined;
  const address = known && gatewayUrl(known.settings, scene);
  const meant = address && meaningOf(address.value.url, address.at, { placed, scene }).placed;
  if (meant) return meant;
  const plain = backend.toLowerCase().replaceAll("_", "-");
  return nearestOf(known?.services ?? [plain], placed, scene);
}

/** The settings of the old gateway with the address of a service of this name or template. */
export function addressSettings(names: readonly (string | undefined)[]): readonly string[] {
  return Object.values(backends)
    .filter(({ services }) => services[0] !== undefined && names.includes(services[0]))
    .flatMap(({ settings }) => settings);
}

/** Of several the one beside the old gateway, else one of those that become containers. */
function nearestOf(
  names: readonly string[],
  placed: readonly Placed[],
  scene: Scene,
): Placed | undefined {
  const all = names.flatMap((name) =>
    placed.filter(
      ({ planned, found }) =>
        found?.name === name || planned.template === name || planned.name === name,
    ),
  );
  const stay = all.filter(({ planned }) => planned.becomes !== "left-out");
  const gateway = scene.inventory.gateway?.host;
  return (
    stay.find(({ planned }) => planned.host === gateway) ??
    stay.find(({ planned }) => isHere(planned.host, scene)) ??
    stay[0] ??
    all[0]
  );
}
