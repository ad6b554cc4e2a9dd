/** How the old gateway chose models: aliases, defaults and thresholds. Pure. */
import type { FoundRouting } from "../inventory.ts";
import { readModelAliases } from "../read/model-aliases.ts";
import type { Found, Place, Reading } from "../reading.ts";
import type { FoundAlias } from "../inventory.ts";
import { numberSetting, setting, switchSetting, type Settings } from "./settings.ts";

const backends = ["OLLAMA", "MLX", "VLLM"];
const sizes = ["DEFAULT", "STRONG", "FAST"];

/** What the settings say of routing. */
export function findRouting(settings: Settings): FoundRouting {
  const defaultBackend = setting(settings, "DEFAULT_BACKEND");
  const policy = switchSetting(settings, "ROUTER_ENABLE_POLICY");
  const longContextChars = numberSetting(settings, "ROUTER_LONG_CONTEXT_CHARS");
  const embeddings = embeddingsOf(settings);
  const models = backends.flatMap((backend) =>
    sizes.flatMap((size) => {
      const found = setting(settings, `${backend}_MODEL_${size}`);
      return found ? [[`${backend}.${size}`.toLowerCase(), found] as const] : [];
    }),
  );
  return {
    ...(defaultBackend && { defaultBackend }),
    ...(policy && { policy }),
    ...(longContextChars && { longContextChars }),
    models: Object.fromEntries(models),
    ...(embeddings && { embeddings }),
  };
}

function embeddingsOf(settings: Settings): FoundRouting["embeddings"] {
  const model = setting(settings, "EMBEDDINGS_MODEL");
  const backend = setting(settings, "EMBEDDINGS_BACKEND") ?? setting(settings, "DEFAULT_BACKEND");
  // What config.py of the old gateway has for what is not set.
  if (!model) return undefined;
  return { value: { backend: backend?.value ?? "ollama", model: model.value }, at: model.at };
}

/** Aliases that a setting holds itself: they count, and no file does. */
export function aliasesInSettings(
  settings: Settings,
): (Reading<readonly FoundAlias[]> & Readonly<{ at: Place }>) | undefined {
  const found: Found<string> | undefined = setting(settings, "MODEL_ALIASES_JSON");
  return found && { ...readModelAliases(Buffer.from(found.value), found.at), at: found.at };
}
