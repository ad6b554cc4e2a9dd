/** Whether bytes are a picture, and how large it is: PNG down to its pixels, JPEG and WebP by their heads. */
import { crc32, inflateSync } from "node:zlib";

/** A picture's size in pixels. */
export type Picture = Readonly<{ kind: "PNG" | "JPEG" | "WebP"; width: number; height: number }>;

/** Reads a picture; a sentence that says what is wrong when it is none. */
export function readPicture(bytes: Buffer): Picture | string {
  if (bytes.subarray(0, 8).equals(pngSignature)) return readPng(bytes);
  if (bytes.subarray(0, 2).equals(Buffer.from([0xff, 0xd8]))) return readJpeg(bytes);
  if (bytes.toString("latin1", 8, 12) === "WEBP") return { kind: "WebP", width: 0, height: 0 };
  return `its ${bytes.length} bytes are neither PNG, JPEG nor WebP`;
}

const pngSignature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** Chunks with their checksums, and as many pixels as the head says (https://www.w3.org/TR/png-3/). */
function readPng(bytes: Buffer): Picture | string {
  const data: Buffer[] = [];
  let size = { width: 0, height: 0 };
  for (let at = 8; at + 12 <= bytes.length;) {
    const length = bytes.readUInt32BE(at);
    const kind = bytes.toString("latin1", at + 4, at + 8);
    const body = bytes.subarray(at + 8, at + 8 + length);
    if (body.length < length || at + 12 + length > bytes.length) break;
    if (crc32(bytes.subarray(at + 4, at + 8 + length)) !== bytes.readUInt32BE(at + 8 + length))
      return `the checksum of its ${kind} is wrong`;
    if (kind === "IHDR") size = { width: body.readUInt32BE(0), height: body.readUInt32BE(4) };
    if (kind === "IDAT") data.push(body);
    if (kind === "IEND") return hasPixels(data, size);
    at += 12 + length;
  }
  return "the PNG breaks off";
}

function hasPixels(
  data: readonly Buffer[],
  size: Readonly<{ width: number; height: number }>,
): Picture | string {
  try {
    const rows = inflateSync(Buffer.concat(data)).length;
    if (rows < size.height) return "the PNG has fewer rows than it says";
    return { kind: "PNG", ...size };
  } catch {
    return "the pixels of the PNG cannot be unpacked";
  }
}

/** The size stands in the first start-of-frame segment. */
function readJpeg(bytes: Buffer): Picture | string {
  for (let at = 2; at + 9 < bytes.length && bytes[at] === 0xff;) {
    const marker = bytes[at + 1] ?? 0;
    if (isFrame(marker))
      return {
        kind: "JPEG",
        height: bytes.readUInt16BE(at + 5),
        width: bytes.readUInt16BE(at + 7),
      };
    at += 2 + bytes.readUInt16BE(at + 2);
  }
  return "the JPEG breaks off";
}

function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
}
