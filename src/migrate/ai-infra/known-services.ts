/** The services that ai-infra's installers set up: what they are called and where everything of theirs lies. */

/** A service that ai-infra can install. */
export type KnownService = Readonly<{
  name: string;
  /** Of systemd, without `.service`. */
  unit: string;
  /** Of launchd. */
  label: string;
  /** Settings files, in the order in which the later one wins. */
  files: readonly string[];
  /** launchd starts it without its settings file. */
  unreadByLaunchd?: true;
  /** Names of the settings that say where it listens; the host's may hold the port too. Without one it listens nowhere. */
  listens?: Readonly<{ host: string; port?: string; address: string; byDefault: number }>;
  /** Template of the catalog that runs the same software. */
  template?: string;
  provides: readonly string[];
  apiPath: string;
  /** Settings that name the model that it serves. */
  models: readonly string[];
  /** Options of its command line that do. */
  modelOption?: string;
  /** Folders of models, and how they are laid out. */
  stores?: readonly Readonly<{ path: string; format: "ollama" | "huggingface" | "files" }>[];
  /** Folders with what it made: they stay where they are. */
  made?: readonly string[];
}>;

/** A service whose settings all begin alike, as most do. */
function usual(
  name: string,
  prefix: string,
  rest: Pick<KnownService, "label" | "provides"> &
    Partial<KnownService> &
    Readonly<{ port: number; local?: true }>,
): KnownService {
  const { port, local, ...given } = rest;
  return {
    name,
    unit: name,
    files: [`/etc/${name}/${name}.env`],
    listens: {
      host: `${prefix}_HOST`,
      port: `${prefix}_PORT`,
      address: local ? "127.0.0.1" : "0.0.0.0",
      byDefault: port,
    },
    template: name,
    apiPath: "/v1",
    models: [`${prefix}_MODEL_ID`],
    ...given,
  };
}

const speech = { provides: ["tts"] };
const video = { provides: ["video"] };

/** Every one of them but the gateway. */
export const knownServices: readonly KnownService[] = [
  {
    name: "ollama",
    unit: "ollama",
    label: "com.ollama.server",
    files: ["/etc/ollama/ollama.env"],
    listens: { host: "OLLAMA_HOST", address: "127.0.0.1", byDefault: 11_434 },
    template: "ollama",
    provides: ["chat", "completion", "embedding"],
    apiPath: "/v1",
    models: [],
    // The vendor's installer, ai-infra on macOS, and `ollama serve` by hand as root.
    stores: [
      "/usr/share/ollama/.ollama/models",
      "/var/lib/ollama/models",
      "/var/lib/ollama/.ollama/models",
      "/root/.ollama/models",
    ].map((path) => ({ path, format: "ollama" })),
  },
  usual("mlx", "MLX", {
    label: "com.mlx.openai.server",
    files: ["/var/lib/mlx/mlx.env"],
    unreadByLaunchd: true,
    port: 10_240,
    local: true,
    provides: ["chat", "completion", "embedding"],
    models: ["MLX_MODEL_PATH"],
    modelOption: "--model-path",
    stores: [{ path: "/var/lib/mlx/cache/huggingface", format: "huggingface" }],
  }),
  {
    name: "nexa",
    unit: "nexa",
    label: "com.nexa.image.server",
    files: ["/var/lib/nexa/nexa.env"],
    unreadByLaunchd: true,
    listens: { host: "NEXA_HOST", address: "127.0.0.1", byDefault: 18_181 },
    provides: ["image"],
    apiPath: "/v1",
    models: [],
  },
  usual("invokeai", "INVOKEAI", {
    label: "com.invokeai",
    files: ["/var/lib/invokeai/invokeai.env"],
    port: 9090,
    local: true,
    provides: ["ui"],
    apiPath: "",
    models: [],
    stores: [{ path: "/var/lib/invokeai/models", format: "files" }],
    made: ["/var/lib/invokeai/outputs"],
  }),
  {
    name: "invokeai-openai-images-shim",
    unit: "invokeai-openai-images-shim",
    label: "com.invokeai.openai-images-shim",
    files: ["/var/lib/invokeai/openai_images_shim/shim.env"],
    listens: { host: "SHIM_HOST", port: "SHIM_PORT", address: "127.0.0.1", byDefault: 9091 },
    template: "image-adapter",
    provides: ["image"],
    apiPath: "/v1",
    models: ["INVOKEAI_DEFAULT_MODEL"],
  },
  usual("heartmula", "HEARTMULA", {
    label: "com.heartmula",
    port: 9920,
    provides: ["music"],
    models: [],
    stores: [{ path: "/var/lib/heartmula/ckpt", format: "files" }],
    made: ["/var/lib/heartmula/output"],
  }),
  usual("pocket-tts", "POCKET_TTS", {
    label: "com.pocket-tts.server",
    port: 9940,
    ...speech,
    models: ["POCKET_TTS_MODEL_NAME"],
  }),
  usual("luxtts", "LUXTTS", { label: "com.luxtts.server", port: 9170, ...speech }),
  usual("qwen3-tts", "QWEN3_TTS", { label: "com.qwen3-tts.server", port: 9175, ...speech }),
  usual("sdxl-turbo", "SDXL_TURBO", {
    label: "com.sdxl-turbo",
    port: 9050,
    provides: ["image"],
    stores: [{ path: "/var/lib/sdxl-turbo/cache", format: "huggingface" }],
  }),
  usual("lighton-ocr", "LIGHTON_OCR", {
    label: "com.lighton-ocr.server",
    port: 9155,
    local: true,
    provides: ["ocr"],
  }),
  usual("personaplex", "PERSONAPLEX", {
    label: "com.personaplex.server",
    port: 9160,
    provides: ["chat"],
    models: ["PERSONAPLEX_MODEL"],
  }),
  usual("followyourcanvas", "FYC", {
    label: "com.followyourcanvas",
    files: ["/var/lib/followyourcanvas/followyourcanvas.env"],
    port: 8123,
    local: true,
    ...video,
    models: [],
    made: ["/var/lib/followyourcanvas/out"],
  }),
  usual("skyreels-v2", "SKYREELS", {
    label: "com.skyreels-v2.server",
    port: 9190,
    ...video,
    template: "skyreels",
    models: [],
    made: ["/var/lib/skyreels-v2/out"],
  }),
  usual("vibevoice-asr", "VIBEVOICE_ASR", {
    label: "com.vibevoice-asr.server",
    port: 9180,
    local: true,
    provides: ["asr"],
    models: ["VIBEVOICE_ASR_MODEL"],
  }),
  {
    name: "telegram-bot",
    unit: "telegram-bot",
    label: "com.telegram-bot.server",
    files: ["/var/lib/telegram-bot/telegram-bot.env"],
    template: "telegram-bot",
    provides: [],
    apiPath: "",
    models: [],
  },
];
