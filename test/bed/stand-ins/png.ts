/** PNG files (https://www.w3.org/TR/png-3/) of one colour, for stand-ins that make images. */
import { crc32, deflateSync } from "node:zlib";

/** An image of that size whose colour follows from the seed: a real file, 8 bits a channel, no alpha. */
export function pngOf({
  width,
  height,
  seed,
}: Readonly<Record<"width" | "height" | "seed", number>>): Buffer {
  const row = Buffer.alloc(1 + width * 3);
  for (let at = 1; at < row.length; at++) row[at] = (seed * 31 + at * 7) & 0xff;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const pixels = deflateSync(Buffer.concat(Array.from({ length: height }, () => row)));
  const chunks = [chunk("IHDR", header), chunk("IDAT", pixels), chunk("IEND", Buffer.alloc(0))];
  return Buffer.concat([signature, ...chunks]);
}

/** A size as OpenAI's API writes it; 512 pixels where there is none. */
export function sizeIn(value: unknown): Readonly<{ width: number; height: number }> {
  const [, width, height] = /^(\d+)x(\d+)$/.exec(typeof value === "string" ? value : "") ?? [];
  return { width: Number(width ?? 512), height: Number(height ?? 512) };
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const whole = Buffer.alloc(body.length + 8);
  whole.writeUInt32BE(data.length, 0);
  whole.set(body, 4);
  whole.writeUInt32BE(crc32(body), body.length + 4);
  return whole;
}
