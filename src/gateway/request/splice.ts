/** Changes some bytes of a body and leaves every other byte as it came. */

/** The bytes that a value of a body occupies. */
export type Place = Readonly<{ start: number; end: number }>;

/** Bytes to be replaced; `start` equals `end` where something is put in. */
export type Edit = Place & Readonly<{ value: string }>;

/** The body with the edits made, which must not overlap; without any it is the same buffer. */
export function splice(body: Buffer, edits: readonly Edit[]): Buffer {
  if (edits.length === 0) return body;
  const pieces: Buffer[] = [];
  let from = 0;
  for (const { start, end, value } of edits.toSorted((a, b) => a.start - b.start)) {
    pieces.push(body.subarray(from, start), Buffer.from(value));
    from = end;
  }
  return Buffer.concat([...pieces, body.subarray(from)]);
}
