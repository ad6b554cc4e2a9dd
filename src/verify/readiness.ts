/** Whether an answer to the readiness question means ready, by the service's own probe. Pure. */
import { isDeepStrictEqual } from "node:util";
import type { Probe } from "../gateway/config.ts";
import { isRecord } from "../stack/record.ts";
import { type Answer, jsonIn, type Silence } from "./visit.ts";

/** `other` answers and says nothing that is known. */
export type State = "ready" | "loading" | "silent" | "other";

/** What one answer says. */
export function stateOf(seen: Answer | Silence, { status, loading, json }: Probe): State {
  if (seen.kind === "silence") return "silent";
  if (loading.includes(seen.status)) return "loading";
  if (!status.includes(seen.status)) return "other";
  if (json === undefined) return "ready";
  return isDeepStrictEqual(lookUp(jsonIn(seen), json.pointer), json.equals) ? "ready" : "loading";
}

/** The value at an RFC 6901 pointer. */
function lookUp(document: unknown, pointer: string): unknown {
  const names = pointer.split("/").slice(1);
  return names.reduce<unknown>((inner, name) => {
    const key = name.replaceAll("~1", "/").replaceAll("~0", "~");
    if (Array.isArray(inner)) return inner[Number(key)];
    return isRecord(inner) ? inner[key] : undefined;
  }, document);
}
