/** Reads the event stream of a message as strictly as its grammar is: a client that forgives nothing. */

/** One event of a message stream. */
export type MessageEvent = Record<string, unknown> & { type: string };

/** A content block as its events made it. */
export type ReadBlock = Record<string, string>;

/** Every event of a stream; throws when one is not well formed. */
export function readEvents(text: string): MessageEvent[] {
  if (text !== "" && !text.endsWith("\n\n")) throw new Error("the stream ends within an event");
  return text.split("\n\n").slice(0, -1).map(readEvent);
}

function readEvent(event: string): MessageEvent {
  const [, name, json = ""] = /^event: ([^\n]+)\ndata: ([^\n]+)$/.exec(event) ?? [];
  const document = JSON.parse(json) as MessageEvent;
  if (document.type !== name) throw new Error(`${name} is named ${document.type}`);
  return document;
}

/** The message that a stream tells; throws unless its blocks follow one another between a start and a stop. */
export function readMessage(text: string) {
  const events = readEvents(text).filter(({ type }) => type !== "ping");
  const [first, ...rest] = events;
  const last = rest.pop();
  const end = rest.pop();
  const ends = [first?.type, end?.type, last?.type].join(" ");
  if (ends !== "message_start message_delta message_stop") throw new Error(`ends: ${ends}`);
  return {
    content: readBlocks(rest),
    ...(end?.["delta"] as { stop_reason: string; stop_sequence: string | null }),
    usage: end?.["usage"],
  };
}

function readBlocks(events: readonly MessageEvent[]): ReadBlock[] {
  const content: ReadBlock[] = [];
  let open = false;
  for (const event of events) {
    if (event["index"] !== content.length - (open ? 1 : 0)) throw new Error("a wrong index");
    if (open === (event.type === "content_block_start")) throw new Error("blocks overlap");
    open = event.type !== "content_block_stop";
    if (event.type === "content_block_start") content.push(begun(event["content_block"]));
    if (event.type === "content_block_delta") fill(content.at(-1) ?? {}, event["delta"]);
  }
  if (open) throw new Error("a block has no end");
  return content;
}

/** A call's input comes in pieces of JSON, so that its beginning says nothing. */
function begun(block: unknown): ReadBlock {
  const { input: _, ...rest } = block as ReadBlock;
  return { ...rest };
}

function fill(block: ReadBlock, delta: unknown): void {
  const { type: _, ...pieces } = delta as ReadBlock;
  for (const [key, piece] of Object.entries(pieces)) block[key] = (block[key] ?? "") + piece;
}
