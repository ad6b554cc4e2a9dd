/** Settings of a program: names to values with their places. Pure. */
import type { Found, Place } from "../reading.ts";
import { isSecretSetting, isSecretValue } from "../read/secret-settings.ts";
import { Secret } from "../secret.ts";

/** Settings by name; the names are the old installation's own. */
export type Settings = ReadonlyMap<string, Found<string>>;

/** A setting that is set to something. */
export function setting(settings: Settings, name: string): Found<string> | undefined {
  const found = settings.get(name);
  return found && found.value.trim() !== "" ? { ...found, value: found.value.trim() } : undefined;
}

/** A setting that is a switch; undefined when it is neither on nor off. */
export function switchSetting(settings: Settings, name: string): Found<boolean> | undefined {
  const found = setting(settings, name);
  if (!found) return undefined;
  if (/^(?:1|true|yes|on|t|y)$/i.test(found.value)) return { value: true, at: found.at };
  return /^(?:0|false|no|off|f|n)$/i.test(found.value) ? { value: false, at: found.at } : undefined;
}

/** A setting that is a whole number, not below 0; undefined when it is none. */
export function numberSetting(settings: Settings, name: string): Found<number> | undefined {
  const found = setting(settings, name);
  if (!found || !/^\d{1,15}$/.test(found.value)) return undefined;
  return { value: Number(found.value), at: found.at };
}

/** The texts between the commas of a setting. */
export function listSetting(
  settings: Settings,
  name: string,
): Found<readonly string[]> | undefined {
  const found = setting(settings, name);
  return found && { value: splitList(found.value), at: found.at };
}

/** The texts between commas, without white space around them and without empty ones. */
export function splitList(text: string): readonly string[] {
  return text
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");
}

/** A value as it may be kept: in a {@link Secret} where its name or itself says that it is one. */
export function kept(name: string, { value, at }: Found<string>): Found<string | Secret> {
  const secret = value !== "" && (isSecretSetting(name) || isSecretValue(value));
  return { value: secret ? new Secret(value) : value, at };
}

/** Settings from names and values that all stand at one place. */
export function settingsAt(values: Readonly<Record<string, string>>, at: Place): Settings {
  return new Map(Object.entries(values).map(([name, value]) => [name, { value, at }]));
}

/** The later ones win. */
export function overlaid(...all: readonly Settings[]): Settings {
  return new Map(all.flatMap((settings) => [...settings]));
}
