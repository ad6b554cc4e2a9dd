/** What Harbor lays into one container alone, its `services/<name>/override.env`, as that service's environment. Pure. */
import type { Template } from "../../catalog/template.ts";
import { keysOf } from "../../catalog/template.ts";
import { parseEnvFile } from "../../stack/dotenv.ts";
import type { Variables } from "../../stack/interpolate.ts";
import { isRecord } from "../../stack/record.ts";
import {
  isSecretText,
  movedSecret,
  type SecretFile,
  secretFileOf,
} from "../compose/environment.ts";
import type { Values } from "../compose/layers.ts";
import type { Note, NoteKind } from "../compose/note.ts";
import { isSecretSetting } from "../read/secret-settings.ts";
import type { KnownService } from "./known.ts";

/** An `override.env`. */
export type Override = Readonly<{ file: string; text: string }>;

/** What it becomes: keys of its service, and a file for its secrets. */
export type ConvertedOverride = Readonly<{
  keys: Values;
  secretFile?: SecretFile;
  notes: readonly Note[];
}>;

type Given = Readonly<{ name: string; value: string }>;
type Reason = readonly [NoteKind, string];

type Around = Readonly<{
  known: KnownService;
  template: Template | undefined;
  /** Those of Harbor's `.env`. */
  variables: Variables;
}>;

/** Converts an override: each line is taken over or noted; of those with one name the last counts. */
export function convertOverride({ file, text }: Override, around: Around): ConvertedOverride {
  const { entries, problems } = parseEnvFile(text, around.variables);
  const last = [...new Map(entries.map((entry) => [entry.name, entry])).values()];
  const lines = last.map((entry) => ({ ...entry, reason: reasonAgainst(entry, around) }));
  const taken = lines.flatMap(({ name, value, line, reason }) =>
    reason || value === undefined ? [] : [{ name, value, line }],
  );
  const secrets = taken.filter((entry) => holdsSecret(entry, around.variables));
  const open = taken.filter((entry) => !secrets.includes(entry));
  const pairs = secrets.map(({ name, value }) => [name, value] as const);
  const secretFile = secretFileOf(around.known.template, pairs);
  const told = [
    ...problems.map(({ line, message }) => ({
      line,
      name: "override.env",
      reason: ["decide", message] as const,
    })),
    ...lines,
    ...secrets.map((entry) => ({
      ...entry,
      reason: ["changed", movedSecret(secretFile.path)] as const,
    })),
  ];
  return {
    keys: {
      ...(open.length > 0 && { environment: Object.fromEntries(open.map(literal)) }),
      ...(secrets.length > 0 && { env_file: [secretFile.path] }),
    },
    ...(secrets.length > 0 && { secretFile }),
    notes: told
      .flatMap(({ line, name, reason }): readonly Note[] =>
        reason ? [{ kind: reason[0], file, line, path: name, message: reason[1] }] : [],
      )
      .toSorted((one, other) => one.line - other.line),
  };
}

/** As a stack file has to write it, where a dollar begins a variable. */
function literal({ name, value }: Given): readonly [string, string] {
  return [name, value.replaceAll("$", () => "$$")];
}

/** GPUs by the numbers that they have on the machine; in a container with its own GPU there may be no such number. */
const gpuNumbers = /^(?:NVIDIA|CUDA|HIP|ROCR)_VISIBLE_DEVICES$|^GPU_DEVICE_ORDINAL$/;

/** Why a variable is not taken over; undefined when it is. */
function reasonAgainst(
  { name, value }: Readonly<{ name: string; value: string | undefined }>,
  { known, template }: Around,
): Reason | undefined {
  if (known.overruled?.test(name))
    return ["left-out", "never counted: Harbor's own compose file says it as well, and wins"];
  if (gpuNumbers.test(name)) return ["changed", "is said by `gpus` now"];
  if (known.fixed?.test(name) || setsForAReason(name, template))
    return ["changed", `is left to the template ${known.template}: the stack relies on it`];
  if (value === undefined)
    return ["decide", "has no value here: Harbor took that from the shell's environment"];
  if (known.shipped?.[name] === value)
    return [
      "left-out",
      "is as Harbor ships it, for one sort of GPU; write it where yours needs it",
    ];
  return undefined;
}

/** Whether the template sets a variable that it does not offer to be set. */
function setsForAReason(name: string, template: Template | undefined): boolean {
  if (template === undefined || template.options.some((option) => option.name === name))
    return false;
  const ways = [undefined, ...template.variants].map(
    (each) => keysOf(template, each)["environment"],
  );
  return [...ways, template.models_as?.environment].some(
    (environment) => isRecord(environment) && Object.hasOwn(environment, name),
  );
}

/** A value may be a secret of Harbor's under a name that tells nothing. */
function holdsSecret({ name, value }: Given, variables: Variables): boolean {
  if (value === "") return false;
  const secrets = [...variables].filter(([each, { value: text }]) => {
    return isSecretSetting(each) && text.length > 3;
  });
  return isSecretText(name, value) || secrets.some(([, secret]) => value.includes(secret.value));
}
