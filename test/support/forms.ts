/** Multipart forms, written byte for byte as a test wants them. */
import fc from "fast-check";

/** One part; with a file name it is a file. */
export type Part = Readonly<{ name: string; file?: string; value: Buffer }>;

/** The form as it goes over the wire. */
export function writeForm(boundary: string, parts: readonly Part[]): Buffer {
  const pieces = parts.flatMap(({ name, file, value }) => {
    const kind = file === undefined ? "" : `; filename="${file}"\r\nContent-Type: audio/wav`;
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${kind}\r\n\r\n`;
    return [Buffer.from(head), value, Buffer.from("\r\n")];
  });
  return Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)]);
}

/** The bytes in chunks that end at these offsets, and in no empty ones. */
export function splitAt(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const ends = [...cuts, bytes.length].map((cut) => cut % (bytes.length + 1));
  const places = [...new Set([0, ...ends, bytes.length])].toSorted((a, b) => a - b);
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 2_000 }).map((array) => Buffer.from(array)),
  // Almost a delimiter, many times over.
  fc
    .array(fc.constantFrom("\r", "\n", "--", "\r\n", "\r\n--", "----x7"), { maxLength: 60 })
    .map((pieces) => Buffer.from(pieces.join(""))),
);

const plainName = fc
  .stringMatching(/^[a-z_[\]]{1,12}$/)
  .filter((name) => !["model", "stream"].includes(name));

/** Forms with files and fields in any order; at most one of the fields is `model`. */
export const forms: fc.Arbitrary<readonly Part[]> = fc
  .tuple(
    fc.array(fc.record({ name: plainName, value: bytes }), { maxLength: 4 }),
    fc.array(fc.record({ name: plainName, file: fc.constant("a.wav"), value: bytes }), {
      maxLength: 2,
    }),
    fc.option(fc.constantFrom("echo", "org/deep:tag", "fast", "ünïcode")),
    fc.boolean(),
  )
  .chain(([fields, files, model, stream]) => {
    const named = (name: string, value: string): Part => ({ name, value: Buffer.from(value) });
    const extra = [
      ...(model === null ? [] : [named("model", model)]),
      ...(stream ? [named("stream", "true")] : []),
    ];
    const parts = [...fields, ...files, ...extra].filter(({ value }) => !looksLikeEnd(value));
    return fc.shuffledSubarray(parts, { minLength: parts.length });
  });

/** No client chooses a boundary that its values contain. */
function looksLikeEnd(value: Buffer): boolean {
  return `\r\n${value.toString("latin1")}`.includes("\r\n------x7");
}
