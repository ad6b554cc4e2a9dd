/** Has a stream tell what it cost although its client did not ask: OpenAI's `stream_options.include_usage`. */
import { isRecord, parseJson } from "../json.ts";
import type { Edit, Place } from "../request/splice.ts";

/** What a body says about its stream: where the `true` of `stream` stands, and `stream_options` as it came. */
export type StreamWish = Readonly<{
  stream: Place;
  options: (Place & Readonly<{ text: string }>) | undefined;
}>;

const wish = '"include_usage":true';

/** The edit that asks for usage; undefined when the client has said itself what it wants. */
export function editForUsage({ stream, options }: StreamWish): Edit | undefined {
  if (!options) {
    const value = `,"stream_options":{${wish}}`;
    return { start: stream.end, end: stream.end, value };
  }
  const { start, end, text } = options;
  if (text === "null") return { start, end, value: `{${wish}}` };
  const given = parseJson(text);
  if (!isRecord(given) || Array.isArray(given) || "include_usage" in given) return undefined;
  const comma = Object.keys(given).length === 0 ? "" : ",";
  return { start: start + 1, end: start + 1, value: wish + comma };
}
