/** Agents of the old gateway: `agent_specs.json`. Pure. */
import type { Place, Reading } from "../reading.ts";
import { convertDocument } from "./document.ts";
import { defined, Fields } from "./fields.ts";
import { readJson } from "./json.ts";

/** An agent; what the file does not say is what the old gateway took. */
export type FoundAgent = Readonly<{
  name: string;
  at: Place;
  /** A model or an alias. */
  model: string;
  tier: number;
  maxTurns: number;
  maxSeconds: number;
  maxToolBytes: number;
  /** Undefined for every tool of its tier. */
  tools?: readonly string[];
}>;

/** Reads the agents of a file: one that is broken does not lose the others. */
export function readAgentSpecs(bytes: Buffer, at: Place): Reading<readonly FoundAgent[]> {
  return convertDocument(readJson(bytes, at), at, (root, notes) => {
    const found: FoundAgent[] = [];
    for (const [given, part] of root) {
      const name = given.trim();
      const what = `agents.${name}`;
      const fields = new Fields(part.kind === "map" ? part.entries : new Map(), what, notes);
      const agent = {
        name,
        at: notes.place(part.line),
        model: fields.text("model") ?? "",
        tier: fields.number("tier") ?? 0,
        maxTurns: fields.number("max_turns") ?? 8,
        maxSeconds: fields.number("max_runtime_sec") ?? 60,
        maxToolBytes: fields.number("max_total_tool_io_bytes") ?? 2_000_000,
        tools: fields.texts("tools_allowlist"),
      };
      fields.noteRest("is nothing that the old gateway knew in an agent.");
      if (name !== "" && agent.model !== "") found.push(defined(agent));
      else notes.add(part.line, what, "has no name or no model: the old gateway left it out.");
    }
    return found;
  });
}
