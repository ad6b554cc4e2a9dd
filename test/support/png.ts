/** Reading PNG files in tests. */
import { inflateSync } from "node:zlib";

/** What a PNG file holds: its size, and its pixels as 8-bit RGB rows, each behind its filter byte. */
export type Png = Readonly<{ width: number; height: number; pixels: Buffer }>;

/** Decodes a PNG file of one IDAT chunk; throws when it is none or its pixels do not fill it. */
export function readPng(file: Buffer): Png {
  if (file.toString("latin1", 1, 4) !== "PNG") throw new Error("no PNG file");
  const [width, height] = [file.readUInt32BE(16), file.readUInt32BE(20)];
  const at = file.indexOf("IDAT");
  const pixels = inflateSync(file.subarray(at + 4, at + 4 + file.readUInt32BE(at - 4)));
  if (pixels.length !== height * (1 + width * 3)) throw new Error("its pixels do not fill it");
  return { width, height, pixels };
}
