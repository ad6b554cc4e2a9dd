/** The ancestor's model aliases, as aliases of the gateway. Pure. */
import { alias as aliasSchema } from "../../stack/schema/alias.ts";
import type { Values } from "../compose/layers.ts";
import type { Note } from "../compose/note.ts";
import type { FoundAlias } from "../inventory.ts";
import { readModelAliases } from "../read/model-aliases.ts";
import { backends } from "./backends.ts";
import type { Setting } from "./settings.ts";

/** Aliases as a stack file has them, and what is to be known of the others. */
export type Aliases = Readonly<{ aliases: Values; notes: readonly Note[] }>;

/** Converts a JSON text, `{"aliases": {…}}` or the map alone; `services` are those that aliases may lead to. */
export function aliasesOf({ value, note }: Setting, services: ReadonlySet<string>): Aliases {
  const { found, notUnderstood } = readModelAliases(Buffer.from(value), { host: "", file: "" });
  const made = found.map((alias) => ({ alias, spec: specOf(alias, services) }));
  return {
    aliases: Object.fromEntries(
      made.flatMap(({ alias, spec }) => (typeof spec === "string" ? [] : [[alias.name, spec]])),
    ),
    notes: [
      ...notUnderstood.map(({ what, why }) => note("left-out", `${what} ${why}`)),
      ...made.flatMap(({ alias, spec }) => {
        if (typeof spec !== "string") return [];
        return [note("left-out", `the alias ${JSON.stringify(alias.name)} ${spec}`)];
      }),
    ],
  };
}

const aliasName = /^[\w.:-]+$/;

/** The alias, or why there is none. */
function specOf(found: FoundAlias, services: ReadonlySet<string>): Values | string {
  const { name, backend, model, maxTokens, temperature, tools } = found;
  if (!aliasName.test(name)) return "has a name that no alias can have";
  const service = backends.find(({ names }) => names.includes(backend))?.service ?? backend;
  if (!services.has(service)) return `leads to ${backend}, which is not in the stack`;
  const spec = {
    to: `${service}/${model}`,
    ...(maxTokens !== undefined && { max_tokens: maxTokens }),
    ...(temperature !== undefined && { temperature }),
    ...(tools === false && { tools }),
  };
  return aliasSchema.safeParse(spec).success ? spec : "has caps that no alias can have";
}
