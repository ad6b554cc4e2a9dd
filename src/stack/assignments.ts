/** Keys of a service as they are given on the command line: `models=llama3.2:1b` `environment.DEBUG=1`. Pure. */
import { parse } from "yaml";
import { exitCodes, NexusError } from "../errors.ts";
import type { ServiceText } from "./edit.ts";
import { isRecord } from "./record.ts";

/** An argument that should set a key does not. */
export class InvalidAssignmentError extends NexusError {
  readonly code = "NEXUS_INVALID_ASSIGNMENT";
  readonly exitCode = exitCodes.usage;
  readonly remedy = "Write `key=value`, as in `models=llama3.2:1b` or `environment.DEBUG=1`.";

  constructor(text: string) {
    super(`\`${text}\` does not set a key of the service.`);
  }
}

/** Keys that are lists; one value, or several with commas between them, makes a list. */
const lists = new Set([
  "models",
  "provides",
  "ports",
  "volumes",
  "secrets",
  "profiles",
  "devices",
  "cap_add",
  "tmpfs",
]);

/** The keys that the arguments set, later ones over earlier ones. Throws InvalidAssignmentError. */
export function readAssignments(words: readonly string[]): ServiceText {
  const keys: Record<string, unknown> = {};
  for (const word of words) {
    const [, path, text] = /^([a-z_]+(?:\.[^=.]+)*)=(.*)$/s.exec(word) ?? [];
    if (path === undefined || text === undefined) throw new InvalidAssignmentError(word);
    assign(keys, path.split("."), valueOf(path, text));
  }
  return keys;
}

function valueOf(path: string, text: string): unknown {
  if (lists.has(path) && !text.startsWith("[")) return text.split(",").map((item) => item.trim());
  if (path.startsWith("environment.")) return text;
  try {
    return parse(text);
  } catch {
    return text;
  }
}

function assign(
  keys: Record<string, unknown>,
  [step = "", ...rest]: readonly string[],
  value: unknown,
): void {
  if (rest.length === 0) {
    keys[step] = value;
    return;
  }
  const inner = keys[step];
  const next = isRecord(inner) ? { ...inner } : {};
  assign(next, rest, value);
  keys[step] = next;
}
