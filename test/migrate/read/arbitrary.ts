/** Texts for properties of readers. */
import fc from "fast-check";

/** Texts of these characters alone: those that a grammar trips over. */
export function textOf(characters: string, maxLength = 40): fc.Arbitrary<string> {
  return fc.string({ unit: fc.constantFrom(...Array.from(characters)), maxLength });
}

/** Bytes of all kinds: random ones, and texts of the characters and pieces of a grammar. */
export function bytesLike(characters: string, ...pieces: string[]): fc.Arbitrary<Buffer> {
  const piece = fc.oneof(textOf(characters, 6), fc.constantFrom(...pieces, " ", "\r\n"));
  return fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    fc.array(piece, { maxLength: 24 }).map((texts) => Buffer.from(texts.join(""))),
  );
}
