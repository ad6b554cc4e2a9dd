/** What a service that is not ready says of itself: the stage it is in, its words, and what it lacks. */
import { isRecord, parseJson } from "../json.ts";
import { upstreamWords, withoutAddresses } from "../request/upstream-words.ts";

const mostCharacters = 240;
const mostChecks = 4;
/** Longer bodies are no answer to whether one is ready. */
const longestBody = 64 * 1024;

/**
 * The words of a readiness answer (docs/SERVICE_API.md, or any common shape of errors) on one line of at most 240
 * characters, without addresses; undefined when it says nothing.
 */
export function readinessWords(body: Buffer): string | undefined {
  const told = body.length > longestBody ? undefined : parseJson(body);
  if (!isRecord(told)) return undefined;
  const parts = [stageIn(told), upstreamWords(body), ...failedChecks(told["checks"])];
  const words = [...new Set(parts)].filter((part) => part !== undefined).join("; ");
  const line = withoutAddresses(words)
    .replaceAll(/[\p{Cc}\s]+/gu, " ")
    .trim();
  if (line === "") return undefined;
  return line.length > mostCharacters ? `${line.slice(0, mostCharacters - 1)}…` : line;
}

function stageIn({ stage, progress }: Record<string, unknown>): string | undefined {
  const part =
    typeof progress === "number" && progress >= 0 && progress <= 1
      ? `${Math.floor(progress * 100)} %`
      : undefined;
  if (typeof stage !== "string" || stage === "") return part;
  return part === undefined ? stage : `${stage} (${part})`;
}

function failedChecks(checks: unknown): readonly string[] {
  if (!isRecord(checks)) return [];
  return Object.entries(checks)
    .flatMap(([name, value]) => complaintOf(name, value) ?? [])
    .slice(0, mostChecks);
}

const fine = new Set(["", "ok", "ready", "healthy", "up", "pass"]);

function complaintOf(name: string, value: unknown): string | undefined {
  if (value === false || value === null) return `${name} is not ok`;
  if (typeof value === "string")
    return fine.has(value.toLowerCase()) ? undefined : `${name}: ${value}`;
  if (!isRecord(value)) return undefined;
  return complaintOf(name, value["status"] ?? value["ok"] ?? true);
}
