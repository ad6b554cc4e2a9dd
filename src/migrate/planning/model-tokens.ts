/** The tokens for models behind a login that old services had. Pure. */
import type { Found } from "../reading.ts";
import { Secret } from "../secret.ts";
import { modelToken, modelTokenOf } from "./container-keys.ts";
import type { Placed } from "./placed.ts";
import type { Scene, Told } from "./scene.ts";
import { templateOf } from "./why-not-container.ts";

/** A token with the setting that had it. */
type ModelToken = Readonly<{ setting: string; found: Found<string | Secret> }>;

/** Those of all services that become containers and can use one. */
export function modelTokens(placed: readonly Placed[], scene: Scene): readonly ModelToken[] {
  return placed.flatMap(({ found, planned }) => {
    if (!found || planned.becomes !== "container") return [];
    return modelTokenOf(found, templateOf(found, scene)) ?? [];
  });
}

/** Tokens that are not the one that is kept. */
export function modelTokensTold(placed: readonly Placed[], scene: Scene): Told {
  const [first, ...others] = modelTokens(placed, scene);
  if (!first) return {};
  const kept = digestOf(first);
  return {
    warnings: others
      .filter((each) => digestOf(each) !== kept)
      .map(({ setting, found }) => ({
        value: `This ${setting} is another one than that of ${first.found.at.host}:${first.found.at.file}, which becomes the secret ${modelToken.name} of all services: it is not taken over.`,
        at: found.at,
      })),
  };
}

function digestOf({ found: { value } }: ModelToken): string {
  return value instanceof Secret ? value.digest() : value;
}
