/** Reads the id of a response from the beginning of an answer of `/v1/responses`. */
import { isRecord, parseJson } from "../json.ts";

const longestEvent = 1024 * 1024;
const longestBegin = 4 * 1024;

/** The id in a whole answer; undefined when it has none. */
export function responseIdIn(body: Buffer): string | undefined {
  return idOf(parseJson(body));
}

/** Watches an answer until its id has come: in the first event of a stream, or in the document. */
export class ResponseIdWatch {
  readonly #found: (id: string) => void;
  #begin: Buffer[] | undefined = [];
  #bytes = 0;

  constructor(found: (id: string) => void) {
    this.#found = found;
  }

  /** Looks at the next bytes, given whole events of a stream; after the id it looks no more. */
  push(chunk: Buffer | string): void {
    if (!this.#begin) return;
    const bytes = Buffer.from(chunk);
    this.#begin.push(bytes);
    this.#bytes += bytes.length;
    const text = Buffer.concat(this.#begin).toString();
    const id = text.trimStart().startsWith("{") ? idInDocument(text) : idInEvent(text);
    if (id === "unknown" && this.#bytes <= longestEvent) return;
    this.#begin = undefined;
    if (id !== "unknown" && id !== "none") this.#found(id);
  }
}

/** OpenAI, and all who follow it, begin the document with the id. */
function idInDocument(text: string): string {
  const id = /^\s*\{\s*"id"\s*:\s*"([\w.:-]{1,200})"/.exec(text)?.[1];
  return id ?? (text.length < longestBegin ? "unknown" : "none");
}

/** The first event is that of the response's creation, whole. */
function idInEvent(text: string): string {
  const data = /^data: ?(\{.*\})\r?$/m.exec(text)?.[1];
  const event = data === undefined ? undefined : parseJson(Buffer.from(data));
  return isRecord(event) ? (idOf(event["response"]) ?? "none") : "unknown";
}

function idOf(response: unknown): string | undefined {
  const id = isRecord(response) ? response["id"] : undefined;
  return typeof id === "string" && isResponseId(id) ? id : undefined;
}

/** Whether a text can be the id of a response, and stand in a path as it is. */
export function isResponseId(text: string): boolean {
  return /^[\w:-][\w.:-]{0,199}$/.test(text);
}
