/** Tools that the old gateway ran as programs: `tools_registry.json`. Pure. */
import type { Place, Reading } from "../reading.ts";
import { convertDocument, type Notes, type Part, plainMap } from "./document.ts";
import { defined, Fields } from "./fields.ts";
import { readJson } from "./json.ts";

/** A tool that the old gateway accepted. */
export type FoundTool = Readonly<{
  name: string;
  version: string;
  description?: string;
  at: Place;
  /** JSON Schema of its arguments. */
  parameters: object;
  argv: readonly string[];
  timeoutSeconds?: number;
  cwd?: string;
  /** It names files of the old host, or of a Windows machine: it cannot run elsewhere as it is. */
  hostPath: boolean;
}>;

const path = /(?:^|[\s=:'"(])(?:\/[\w.-]|~\/|[A-Za-z]:[\\/]|\\\\)/;
const unknownKey = "is nothing that the old gateway knew in a tool.";

/** Reads a registry of tools: one that is broken does not lose the others, and of the same name the last one counts. */
export function readToolsRegistry(bytes: Buffer, at: Place): Reading<readonly FoundTool[]> {
  return convertDocument(readJson(bytes, at), at, (root, notes) => {
    const fields = new Fields(root, "registry", notes);
    const found = new Map<string, FoundTool>();
    for (const [index, part] of (fields.list("tools") ?? []).entries()) {
      const tool = readTool(part, `tools[${index}]`, notes);
      if (tool !== undefined && found.has(tool.name))
        notes.add(part.line, `tools[${index}]`, "is a name again: the last tool of it counts.");
      if (tool !== undefined) found.set(tool.name, tool);
    }
    fields.noteRest("is nothing that the old gateway read.");
    return [...found.values()];
  });
}

function readTool(part: Part, what: string, notes: Notes): FoundTool | undefined {
  if (part.kind !== "map") return refused(part, what, notes, "is no map");
  const fields = new Fields(part.entries, what, notes);
  const name = fields.text("name");
  const version = fields.text("version");
  const description = fields.text("description");
  const program = readProgram(fields.map("exec") ?? new Map(), `${what}.exec`, notes);
  const parameters = fields.map("parameters");
  fields.noteRest(unknownKey);
  if (name === undefined || version === undefined)
    return refused(part, what, notes, "has no name or no version");
  if (parameters === undefined) return refused(part, what, notes, "has no map `parameters`");
  if (program === undefined)
    return refused(part, what, notes, "has no `exec` of the type `subprocess` with an `argv`");
  const schema = plainMap(parameters);
  const at = notes.place(part.line);
  return defined({ name, version, description, at, parameters: schema, ...program });
}

function refused(part: Part, what: string, notes: Notes, why: string): undefined {
  notes.add(part.line, what, `${why}: the old gateway left this tool out.`);
}

type Program = Pick<FoundTool, "argv" | "timeoutSeconds" | "cwd" | "hostPath">;

function readProgram(
  entries: ReadonlyMap<string, Part>,
  what: string,
  notes: Notes,
): Program | undefined {
  const fields = new Fields(entries, what, notes);
  const type = fields.text("type");
  const argv = fields.texts("argv") ?? [];
  const timeoutSeconds = fields.number("timeout_sec");
  const cwd = fields.text("cwd");
  fields.noteRest(unknownKey);
  if (type !== "subprocess" || argv.length === 0) return undefined;
  const hostPath = [...argv, cwd ?? ""].some((text) => path.test(text));
  return defined({ argv, timeoutSeconds, cwd, hostPath });
}
