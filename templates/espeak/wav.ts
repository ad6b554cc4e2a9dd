/** Samples: 16 bit, little-endian, mono. */

/** What espeak-ng makes, and what a wav here holds. */
export const nativeRate = 22_050;

/** What OpenAI's `pcm` is: clients play it at this rate without asking. */
export const pcmRate = 24_000;

export const bytesPerSample = 2;
export const wavHeaderBytes = 44;

/** What stands for a length that is not known yet, as OpenAI's own streams have it. */
const unknownLength = 0xffff_ffff;

/** The header of a wav file; without a length it is that of a stream. */
export function wavHeader(dataBytes?: number): Buffer {
  const header = Buffer.alloc(wavHeaderBytes);
  header.write("RIFF", 0, "latin1");
  header.writeUInt32LE(dataBytes === undefined ? unknownLength : dataBytes + 36, 4);
  header.write("WAVEfmt ", 8, "latin1");
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(nativeRate, 24);
  header.writeUInt32LE(nativeRate * bytesPerSample, 28);
  header.writeUInt16LE(bytesPerSample, 32);
  header.writeUInt16LE(bytesPerSample * 8, 34);
  header.write("data", 36, "latin1");
  header.writeUInt32LE(dataBytes ?? unknownLength, 40);
  return header;
}

/** 22,050 to 24,000, in lowest terms. */
const step = 147;
const unit = 160;

/** The same sound with as many samples a second as OpenAI's `pcm` has, by straight lines between samples. */
export async function* toPcm(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest = Buffer.alloc(0);
  /** Where the next sample is to be taken: units of 1/160 of a sample, from the beginning of `rest`. */
  let at = 0;
  for await (const chunk of chunks) {
    rest = Buffer.concat([rest, chunk]);
    const last = Math.max(0, Math.floor(rest.length / bytesPerSample) - 1);
    const count = Math.max(0, Math.ceil((last * unit - at) / step));
    const made = Buffer.alloc(count * bytesPerSample);
    for (let index = 0; index < count; index++) {
      made.writeInt16LE(between(rest, at + index * step), index * bytesPerSample);
    }
    at += count * step;
    const used = Math.min(Math.floor(at / unit), last);
    rest = rest.subarray(used * bytesPerSample);
    at -= used * unit;
    if (count > 0) yield made;
  }
}

function between(samples: Buffer, place: number): number {
  const before = Math.floor(place / unit);
  const left = samples.readInt16LE(before * bytesPerSample);
  const right = samples.readInt16LE((before + 1) * bytesPerSample);
  return Math.round(left + ((right - left) * (place % unit)) / unit);
}
