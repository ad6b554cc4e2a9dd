/** Whether an answer is what was asked for, and no empty shell of it. Pure. */
import { mediaType, type Headers } from "../api/headers.ts";
import { isRecord, parseJson } from "../json.ts";

/** What is wrong with an answer of status 200, as the end of a sentence that says that it came; undefined when it will do. */
export type Judge = (answer: Readonly<{ headers: Headers; body: Buffer }>) => string | undefined;

/** A JSON object with a list of that name that is not empty. */
export function lacksItems(name: string): Judge {
  return ({ body }) => {
    const document = parseJson(body);
    const items = isRecord(document) ? document[name] : undefined;
    return Array.isArray(items) && items.length > 0 ? undefined : `without ${name}`;
  };
}

/** A transcript; of a tone it may be empty. */
export const lacksText: Judge = ({ body }) => {
  const document = parseJson(body);
  const isText = isRecord(document) && typeof document["text"] === "string";
  return isText ? undefined : "without a text";
};

/** The header of a WAV file and a little more; shorter is no word. */
const shortestSound = 256;
const wavHeader = 44;

/** Audio with something in it that can be heard. */
export const lacksSound: Judge = ({ headers, body }) => {
  const type = mediaType(headers);
  if (!type.startsWith("audio/")) return `as ${type === "" ? "no media type" : type}, not as audio`;
  if (body.length < shortestSound) return `with ${body.length} bytes, too few for a word`;
  const isWav = body.toString("latin1", 0, 4) === "RIFF";
  const isSilent = isWav && body.subarray(wavHeader).every((byte) => byte === 0);
  return isSilent ? "with silence" : undefined;
};

const pictures: readonly (readonly [at: number, signature: string])[] = [
  [0, "\x89PNG\r\n\x1a\n"],
  [0, "\xff\xd8\xff"],
  [8, "WEBP"],
];

/** A PNG, JPEG or WebP in `data[0].b64_json`. */
export const lacksPicture: Judge = ({ body }) => {
  const document = parseJson(body);
  const data = isRecord(document) ? document["data"] : undefined;
  const first: unknown = Array.isArray(data) ? data[0] : undefined;
  const encoded = isRecord(first) ? first["b64_json"] : undefined;
  if (typeof encoded !== "string") return "without a picture";
  const bytes = Buffer.from(encoded.replace(/^data:[^,]*,/, ""), "base64").toString("latin1");
  const isPicture = pictures.some(([at, signature]) => bytes.startsWith(signature, at));
  return isPicture ? undefined : "with something that is no PNG, JPEG or WebP";
};
