/** What an upstream says of a request that it refused: its words in any of the common shapes, short and without addresses. */

const mostCharacters = 500;
const mostComplaints = 5;
const mostDepth = 4;

/**
 * The message in an error's body: `{"error": …}`, `{"detail": …}` (FastAPI) or `{"message": …}`, where each may be a
 * text, an object with one of these, or a list of `{loc, msg}`. At most 500 characters; undefined when there is none.
 */
export function upstreamWords(body: Buffer): string | undefined {
  try {
    const document: unknown = JSON.parse(body.toString());
    const words = isRecord(document) ? wordsIn(document, 0) : undefined;
    return words === undefined ? undefined : shortened(withoutAddresses(words));
  } catch {
    return undefined;
  }
}

function wordsIn(told: unknown, depth: number): string | undefined {
  if (typeof told === "string") return told.trim() || undefined;
  if (!isRecord(told) || depth > mostDepth) return undefined;
  if (Array.isArray(told)) return complaintsIn(told, depth + 1);
  for (const key of ["message", "msg", "detail", "error"]) {
    const words = wordsIn(told[key], depth + 1);
    if (words !== undefined) return placeOf(told["loc"]) + words;
  }
  return undefined;
}

function complaintsIn(list: readonly unknown[], depth: number): string | undefined {
  const words = list.slice(0, mostComplaints).map((complaint) => wordsIn(complaint, depth));
  return words.filter((complaint) => complaint !== undefined).join("; ") || undefined;
}

/** FastAPI's path to a wrong value, `["body", "input", 0]`, as the beginning of a sentence. */
function placeOf(loc: unknown): string {
  const place = Array.isArray(loc) ? loc.filter((part) => part !== "body").join(".") : "";
  return place === "" ? "" : `${place}: `;
}

/** What is left out: URLs, addresses of four numbers, and names with a port. */
const addresses =
  /\b[a-z][a-z0-9+.-]*:\/\/[^\s"'<>]+|\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b|\b[a-z][\w.-]*:\d{4,5}\b/gi;

/** Words with every address in them told as `[address]`. */
export function withoutAddresses(words: string): string {
  return words.replace(addresses, "[address]");
}

function shortened(words: string): string {
  return words.length > mostCharacters ? `${words.slice(0, mostCharacters - 1)}…` : words;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === "object";
}
