/** What tests want to know of a sound: how long it is, and whether there is anything to hear. */

/** A wav of 16 bit mono, measured. */
export type Sound = Readonly<{
  sampleRate: number;
  seconds: number;
  /** Root mean square of the samples, 0 to 1. */
  loudness: number;
}>;

/** Reads a canonical wav file; throws unless it is one whose lengths are true. */
export function measureWav(file: Buffer): Sound {
  const words = [file.toString("latin1", 0, 4), file.toString("latin1", 8, 16)];
  if (words.join("") !== "RIFFWAVEfmt ") throw new Error(`not a wav: ${words.join("")}`);
  const format = [file.readUInt16LE(20), file.readUInt16LE(22), file.readUInt16LE(34)];
  if (format.join() !== "1,1,16") throw new Error(`not 16 bit mono: ${format.join()}`);
  const told = [file.readUInt32LE(4) + 8, file.readUInt32LE(40) + 44];
  if (told.some((length) => length !== file.length))
    throw new Error(`it says ${told.join(" and ")} bytes and has ${file.length}`);
  return { sampleRate: file.readUInt32LE(24), ...measureSamples(file.subarray(44), file) };
}

/** Samples of 16 bit, at the rate that the header of `file` tells or at OpenAI's 24,000. */
export function measureSamples(samples: Buffer, file?: Buffer): Omit<Sound, "sampleRate"> {
  const count = samples.length / 2;
  let squares = 0;
  for (let index = 0; index < count; index += 1)
    squares += (samples.readInt16LE(index * 2) / 32_768) ** 2;
  const rate = file?.readUInt32LE(24) ?? 24_000;
  return { seconds: count / rate, loudness: Math.sqrt(squares / Math.max(1, count)) };
}
