/** What can be set from outside, by `environment:` in nexus.yaml. */

export type Settings = {
  name: string;
  version: string;
  port: number;
  /** How long it pretends to load a model, in milliseconds. */
  warmUpMs: number;
  /** Pause between two tokens of an answer, so that streaming can be seen, in milliseconds. */
  tokenDelayMs: number;
};

/** Reads the environment; whatever is not set has a default. */
export function readSettings(environment: Record<string, string | undefined>): Settings {
  return {
    name: environment["SERVICE_NAME"] ?? "example",
    version: environment["SERVICE_VERSION"] ?? "1.0.0",
    port: Number(environment["PORT"] ?? 9000),
    warmUpMs: Number(environment["WARM_UP_MS"] ?? 0),
    tokenDelayMs: Number(environment["TOKEN_DELAY_MS"] ?? 5),
  };
}
