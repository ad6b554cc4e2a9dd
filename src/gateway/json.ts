/** Reading JSON that somebody else wrote. */

/** Parses JSON; undefined when it is none. */
export function parseJson(text: Buffer | string): unknown {
  try {
    return JSON.parse(text.toString());
  } catch {
    return undefined;
  }
}

/** Whether a value is an object or array whose members can be looked at. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === "object";
}

/** The value at an RFC 6901 pointer; undefined when there is none. */
export function valueAt(document: unknown, pointer: string): unknown {
  return pointer
    .split("/")
    .slice(1)
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"))
    .reduce<unknown>((value, token) => {
      return isRecord(value) && Object.hasOwn(value, token) ? value[token] : undefined;
    }, document);
}
