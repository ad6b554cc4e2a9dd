/** The most that may be asked under an alias: numbers of the body are changed where they stand, everything else stays. */
import type { Endpoint } from "../api/endpoints.ts";
import type { AliasCaps } from "../config.ts";
import { eachMember } from "./body-scan.ts";
import { jsonPayload, type Payload } from "./payload.ts";
import { splice, type Edit } from "./splice.ts";

/** What endpoints of text call the number of tokens to make; the first name is used where a client gives none. */
const tokenNames: Readonly<Record<string, readonly string[]>> = {
  "/chat/completions": ["max_tokens", "max_completion_tokens"],
  "/completions": ["max_tokens"],
  "/messages": ["max_tokens"],
  "/responses": ["max_output_tokens"],
};

/** The payload with its numbers lowered to the caps, and set to them where it names none; elsewhere than at endpoints of text it is the same. */
export function capPayload(
  payload: Payload,
  { upstreamPath }: Endpoint,
  caps: AliasCaps | undefined,
): Payload {
  const names = tokenNames[upstreamPath];
  const body = caps && names ? payload.bodyFor(undefined, []) : undefined;
  if (!caps || !names || !(body instanceof Buffer)) return payload;
  const edits = [
    ...editsFor(body, names, caps.max_tokens),
    ...editsFor(body, ["temperature"], caps.temperature),
  ];
  return edits.length === 0 ? payload : jsonPayload(splice(body, edits));
}

/** What is no number from 0 to the cap is replaced: servers take -1, null and numbers in quotes for no limit at all. */
function editsFor(body: Buffer, names: readonly string[], most: number | undefined): Edit[] {
  if (most === undefined) return [];
  const edits: Edit[] = [];
  let isNamed = false;
  eachMember(body, (key, { start, end }) => {
    if (!names.includes(key.toLowerCase())) return;
    isNamed = true;
    const asked = Number(body.toString("latin1", start, end));
    if (!(asked >= 0 && asked <= most)) edits.push({ start, end, value: String(most) });
  });
  if (isNamed) return edits;
  const first = body.indexOf("{") + 1;
  return [{ start: first, end: first, value: `"${names[0] ?? ""}":${most},` }];
}
