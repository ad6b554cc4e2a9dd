/**
 * Reads the head of one part of a form, more strictly than services do: a head that two parsers could take differently
 * is refused, so that the field a key was judged by is the field that the service reads.
 */
import { InvalidBody } from "./invalid-body.ts";

/** What is known of a part before its value comes. */
export type PartHead = Readonly<{
  name: string;
  /** Whether its value may be taken for a file, or for anything but plain text as it stands. */
  isFile: boolean;
}>;

const fieldLine = /^([\w!#$%&'*+.^`|~-]+):[ \t]*([^\r\n\0]*)$/;
const parameter = /;[ \t]*([\w!#$%&'+.^`|~-]+\*?)=(?:"((?:[^"\\]|\\.)*)"|([^\s";]+))[ \t]*/y;
const mostLines = 16;

/** Reads a part's head, given its lines without the empty one, one byte a character (RFC 7578). */
export function readPartHead(text: string): PartHead {
  const fields = readFields(text);
  const disposition = fields.get("content-disposition");
  if (disposition === undefined) throw malformed("a part has no Content-Disposition");
  const parameters = readParameters(disposition);
  const name = parameters.get("name");
  if (name === undefined || parameters.has("name*")) throw malformed("a part has no plain name");
  const isFile = parameters.has("filename") || parameters.has("filename*") || !isText(fields);
  return { name: plainName(name), isFile };
}

function readFields(text: string): Map<string, string> {
  const lines = text.split("\r\n");
  if (lines.length > mostLines) throw malformed("a part has too many header lines");
  const fields = new Map<string, string>();
  for (const line of lines) {
    const [, name = "", value = ""] = fieldLine.exec(line) ?? [];
    const key = name.toLowerCase();
    if (key === "" || fields.has(key)) throw malformed("a part's header lines are not clear");
    fields.set(key, value.trim());
  }
  return fields;
}

function readParameters(disposition: string): Map<string, string> {
  const kind = /^form-data[ \t]*/i.exec(disposition);
  if (!kind) throw malformed("a part is not form-data");
  const parameters = new Map<string, string>();
  parameter.lastIndex = kind[0].length;
  let end = parameter.lastIndex;
  for (let match = parameter.exec(disposition); match; match = parameter.exec(disposition)) {
    const key = match[1]?.toLowerCase() ?? "";
    if (parameters.has(key)) throw malformed("a part says something twice");
    parameters.set(key, match[2] ?? match[3] ?? "");
    end = parameter.lastIndex;
  }
  if (end !== disposition.length) throw malformed("a part's Content-Disposition is not clear");
  return parameters;
}

/** Escapes are decoded by some parsers and kept by others: `model` must not hide behind one. */
function plainName(name: string): string {
  const unescaped = name.replaceAll(/\\(.)|%([0-9a-f]{2})/gi, (_, escaped: string, hex: string) =>
    hex === undefined ? escaped : String.fromCharCode(Number.parseInt(hex, 16)),
  );
  const isModel = unescaped.trim().toLowerCase() === "model";
  if (isModel && name !== "model") throw new InvalidBody("`model` must be spelled so.", "model");
  return name;
}

/** Whether a value is its bytes, read as UTF-8. */
function isText(fields: ReadonlyMap<string, string>): boolean {
  const type = fields.get("content-type") ?? "text/plain";
  const encoding = fields.get("content-transfer-encoding") ?? "binary";
  return (
    /^text\/plain(?:;[ \t]*charset="?(?:utf-8|us-ascii)"?)?$/i.test(type) &&
    /^(?:7bit|8bit|binary)$/i.test(encoding)
  );
}

function malformed(why: string): InvalidBody {
  return new InvalidBody(`The form is malformed: ${why}.`);
}
