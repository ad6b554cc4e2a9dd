/** Just enough of RIFF/WAVE (http://soundfile.sapp.org/doc/WaveFormat/) to hear whether there is something, and to say a tone. */

/** What a recording holds. */
export type Recording = Readonly<{
  seconds: number;
  /** The largest deflection, from 0 to 1. */
  peak: number;
}>;

type Format = Readonly<{ code: number; channels: number; rate: number; bits: number }>;

/** Reads a recording; undefined when the bytes are no WAVE of 8, 16 or 32 bits. Servers that stream leave its sizes open. */
export function readWav(bytes: Buffer): Recording | undefined {
  if (bytes.length < 44 || bytes.toString("latin1", 0, 4) !== "RIFF") return undefined;
  if (bytes.toString("latin1", 8, 12) !== "WAVE") return undefined;
  let format: Format | undefined;
  for (let at = 12; at + 8 <= bytes.length;) {
    const id = bytes.toString("latin1", at, at + 4);
    const size = bytes.readUInt32LE(at + 4);
    const from = at + 8;
    if (id === "fmt ") format = readFormat(bytes, from);
    if (id === "data") return format && measure(bytes.subarray(from, from + size), format);
    at = from + size + (size % 2);
  }
  return undefined;
}

function readFormat(bytes: Buffer, at: number): Format {
  return {
    code: bytes.readUInt16LE(at),
    channels: Math.max(1, bytes.readUInt16LE(at + 2)),
    rate: Math.max(1, bytes.readUInt32LE(at + 4)),
    bits: bytes.readUInt16LE(at + 14),
  };
}

const floatCode = 3;

function measure(data: Buffer, { code, channels, rate, bits }: Format): Recording | undefined {
  const width = bits / 8;
  const read = readers[code === floatCode ? "float" : String(bits)];
  if (read === undefined || !Number.isInteger(width)) return undefined;
  const samples = Math.floor(data.length / width);
  let peak = 0;
  for (let index = 0; index < samples; index += 1)
    peak = Math.max(peak, Math.abs(read(data, index * width)));
  return { seconds: samples / channels / rate, peak };
}

const readers: Readonly<Record<string, (data: Buffer, at: number) => number>> = {
  "8": (data, at) => (data.readUInt8(at) - 128) / 128,
  "16": (data, at) => data.readInt16LE(at) / 32_768,
  "24": (data, at) => data.readIntLE(at, 3) / 8_388_608,
  "32": (data, at) => data.readInt32LE(at) / 2_147_483_648,
  float: (data, at) => data.readFloatLE(at),
};

/** One second of a tone: 16 kHz, 16 bits, one channel, as recognisers of speech want it. */
export function tone(): Buffer {
  const rate = 16_000;
  const data = Buffer.alloc(rate * 2);
  for (let index = 0; index < rate; index += 1)
    data.writeInt16LE(Math.round(Math.sin((index / rate) * 2 * Math.PI * 440) * 12_000), index * 2);
  const head = Buffer.alloc(44);
  head.write("RIFF", 0, "latin1");
  head.writeUInt32LE(36 + data.length, 4);
  head.write("WAVEfmt ", 8, "latin1");
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(rate * 2, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write("data", 36, "latin1");
  head.writeUInt32LE(data.length, 40);
  return Buffer.concat([head, data]);
}
