/** What can be set from outside, by `environment:` in nexus.yaml. */

export type Settings = {
  name: string;
  version: string;
  port: number;
  /** The program that speaks. */
  program: string;
  /** What speaks when a request names no voice. */
  voice: string;
  /** Requests that are spoken at once; each is a process. */
  maxConcurrency: number;
  /** Longest text of a request. */
  maxCharacters: number;
};

/** Reads the environment; whatever is not set has a default. */
export function readSettings(environment: Record<string, string | undefined>): Settings {
  return {
    name: environment["SERVICE_NAME"] ?? "espeak",
    version: environment["SERVICE_VERSION"] ?? "1.0.0",
    port: Number(environment["PORT"] ?? 8000),
    program: environment["ESPEAK_PROGRAM"] ?? "espeak-ng",
    voice: environment["DEFAULT_VOICE"] ?? "alloy",
    maxConcurrency: Number(environment["MAX_CONCURRENCY"] ?? 4),
    maxCharacters: Number(environment["MAX_CHARACTERS"] ?? 4096),
  };
}
