/** A service's environment; what looks like a secret moves into a file that only its owner reads. Pure. */
import { interpolate, type Variables } from "../../stack/interpolate.ts";
import { isRecord } from "../../stack/record.ts";
import { isSecretSetting, isSecretValue } from "../read/secret-settings.ts";
import type { Draft } from "./draft.ts";

/** A file that is written beside the stack file, readable by its owner only. */
export type SecretFile = Readonly<{ path: string; text: string; names: readonly string[] }>;

/** Converts `environment`; variables stay variables, and literal secrets go into the file that is returned. */
export function convertEnvironment(draft: Draft, variables: Variables): SecretFile | undefined {
  const pairs = pairsOf(draft.raw["environment"]).filter(([name]) => !placesGpus(draft, name));
  const secrets = pairs.filter(([name, value]) => isSecret(name, value, variables));
  const open = pairs.filter((pair) => !secrets.includes(pair));
  if (open.length > 0) draft.keep("environment", ["environment"], Object.fromEntries(open));
  if (secrets.length === 0) return undefined;
  const file = secretFileOf(
    draft.name,
    secrets.map(([name, value]) => [name, interpolate(String(value), variables).text]),
  );
  for (const [name] of secrets)
    draft.note("changed", ["environment", name], movedSecret(file.path));
  draft.keys["env_file"] = [...[draft.keys["env_file"] ?? []].flat(), file.path];
  return file;
}

/** The file for the secrets of a service's environment; values as they are, with no variables in them. */
export function secretFileOf(
  service: string,
  secrets: readonly (readonly [string, string])[],
): SecretFile {
  const lines = secrets.map(([name, value]) => `${envLine(name, value)}\n`);
  const path = `./.nexus/secrets/${service}.env`;
  return { path, text: lines.join(""), names: secrets.map(([name]) => name) };
}

/** What is told of a secret that went into a file. */
export function movedSecret(path: string): string {
  return `looks like a secret: it goes to ${path.slice(2)}, out of the stack file`;
}

/** GPUs are given out by Nexus: what names others would win inside of the container. */
function placesGpus(draft: Draft, name: string): boolean {
  if (name !== "NVIDIA_VISIBLE_DEVICES" || draft.keys["gpus"] === undefined) return false;
  draft.note("changed", ["environment", name], "is said by `gpus` now");
  return true;
}

/** Every assignment; `null` where a name has no value. */
export function pairsOf(value: unknown): readonly (readonly [string, unknown])[] {
  if (isRecord(value)) return Object.entries(value);
  if (!Array.isArray(value)) return [];
  return value.map((item) => {
    const [, name = "", given = null] = /^([^=]*)(?:=(.*))?$/s.exec(String(item)) ?? [];
    return [name, given] as const;
  });
}

/** What is filled in from variables is no literal: it stays where it is. */
function isSecret(name: string, value: unknown, variables: Variables): boolean {
  if (typeof value !== "string" || value === "") return false;
  const { used, unset, text } = interpolate(value, variables);
  if (used.length > 0 || unset.length > 0 || value.includes("${")) return false;
  return isSecretText(name, text);
}

/** Whether a variable holds a secret, by its name or by its value, which has no variables in it. */
export function isSecretText(name: string, text: string): boolean {
  const names = isSecretSetting(name) && !/_FILE$|^(?:true|false|\d+)$/i.test(text);
  return (names || isSecretValue(text)) && /^[A-Za-z_][\w.-]*$/.test(name);
}

/** `NAME="value"`, so that an env file's reader gives the value back. */
export function envLine(name: string, value: string): string {
  const quoted = value
    .replaceAll("\\", "\\\\")
    .replaceAll('"', '\\"')
    .replaceAll("$", () => "$$")
    .replaceAll("\r", "\\r")
    .replaceAll("\n", "\\n");
  return `${name}="${quoted}"`;
}
