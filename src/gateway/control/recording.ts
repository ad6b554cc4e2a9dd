/** A recording to be transcribed, and the form that it is sent in. Pure. */

const sampleRate = 16_000;
const headerBytes = 44;

/** One second of a quiet tone: 16 kHz, 16 bit, mono (soundfile.sapp.org/doc/WaveFormat). */
export function toneWav(): Buffer {
  const bytes = Buffer.alloc(headerBytes + sampleRate * 2);
  bytes.write("RIFF", 0);
  bytes.writeUInt32LE(bytes.length - 8, 4);
  bytes.write("WAVEfmt ", 8);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(sampleRate, 24);
  bytes.writeUInt32LE(sampleRate * 2, 28);
  bytes.writeUInt16LE(2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write("data", 36);
  bytes.writeUInt32LE(sampleRate * 2, 40);
  for (let index = 0; index < sampleRate; index += 1) {
    const value = Math.round(4_000 * Math.sin((2 * Math.PI * 440 * index) / sampleRate));
    bytes.writeInt16LE(value, headerBytes + index * 2);
  }
  return bytes;
}

const boundary = "nexus-proof-0f6b1c";

/** A multipart form (RFC 7578) of some fields and a file; none of them may hold the boundary. */
export function formOf(
  fields: Readonly<Record<string, string>>,
  file: Readonly<{ name: string; filename: string; type: string; bytes: Buffer }>,
): Readonly<{ type: string; bytes: Buffer }> {
  const head = (rest: string): string =>
    `--${boundary}\r\ncontent-disposition: form-data; name=${rest}\r\n\r\n`;
  const texts = Object.entries(fields).map(([name, value]) => `${head(`"${name}"`)}${value}\r\n`);
  const named = `"${file.name}"; filename="${file.filename}"\r\ncontent-type: ${file.type}`;
  const bytes = Buffer.concat([
    Buffer.from(texts.join("") + head(named)),
    file.bytes,
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ]);
  return { type: `multipart/form-data; boundary=${boundary}`, bytes };
}
