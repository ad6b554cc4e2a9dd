/** Which requests belong together, so that the upstream that remembers their prefix gets them. */
import { createHash } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { eachElement, eachMember } from "../request/body-scan.ts";
import { InvalidBody } from "../request/invalid-body.ts";

/** What coding agents and OpenAI's clients call a session; the one that says most comes first. */
const sessionHeaders = [
  "x-claude-code-session-id",
  "session-id",
  "session_id",
  "x-session-id",
  "x-session-affinity",
  "x-opencode-session",
];

/** What begins a conversation, by the endpoints' names for it. */
const openings = new Set(["messages", "input", "prompt"]);

/** Who asks, and with what. */
export type Asker = Readonly<{ key: string; headers: IncomingHttpHeaders; body: Buffer }>;

/**
 * Names the session of a request: what its client calls it, or its opening, up to the first words of the user, which
 * stay the same while a conversation grows. Sessions of different keys are never the same.
 */
export function sessionOf({ key, headers, body }: Asker): string | undefined {
  const named = sessionHeaders.map((name) => headers[name]).find((value) => value !== undefined);
  if (named !== undefined) return `${key}\n${String(named)}`;
  const opening = readOpening(body);
  return opening && `${key}\n${createHash("sha1").update(opening).digest("hex")}`;
}

/** In a large body nobody has looked at nested values yet: what is wrong with them is the upstream's to say. */
function readOpening(body: Buffer): Buffer | undefined {
  try {
    return openingOf(body);
  } catch (error) {
    if (error instanceof InvalidBody) return undefined;
    throw error;
  }
}

function openingOf(body: Buffer): Buffer | undefined {
  let opening: Buffer | undefined;
  let named: Buffer | undefined;
  eachMember(body, (name, { start, end }) => {
    if (name === "prompt_cache_key") named = body.subarray(start, end);
    else if (openings.has(name)) opening = beginning(body.subarray(start, end));
  });
  return named ?? opening;
}

const openBracket = 0x5b;

function beginning(conversation: Buffer): Buffer {
  if (conversation[0] !== openBracket) return conversation;
  let end = 0;
  eachElement(conversation, (place) => {
    end = place.end;
    return !isUsers(conversation.subarray(place.start, place.end));
  });
  return conversation.subarray(0, end);
}

/** Inside a string the quotes would be escaped, so this is a member and not something that somebody wrote. */
function isUsers(message: Buffer): boolean {
  return /"role"\s*:\s*"user"/.test(message.toString("latin1"));
}
