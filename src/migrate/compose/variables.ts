/** The variables of a Compose project: the environment's, and under them those of `.env`. Pure. */
import { parseEnvFile } from "../../stack/dotenv.ts";
import type { Variable, Variables } from "../../stack/interpolate.ts";

/** Reads the text of `.env` under the environment. */
export function readVariables(
  text: string,
  environment: Readonly<Record<string, string | undefined>>,
): Variables {
  const own = Object.entries(environment).flatMap(([name, value]): [string, Variable][] =>
    value === undefined ? [] : [[name, { value, from: "environment" }]],
  );
  const all = new Map(own);
  for (const { name, value } of parseEnvFile(text, new Map(own)).entries) {
    if (value !== undefined && !all.has(name)) all.set(name, { value, from: ".env" });
  }
  return all;
}
