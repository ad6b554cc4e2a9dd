/** What stand-ins that speak say: a tone, as long as a voice would need for the text. */
import { setTimeout as delay } from "node:timers/promises";
import type { ServerResponse } from "node:http";
import { numberFrom } from "../serve.ts";

/** How a tone is sent. */
export type Manner = Readonly<{
  text: string;
  /** `wav` and `mp3` are whole files; anything else is bare samples. */
  format: string;
  sampleRate: number;
  /** 2 is twice as fast. */
  speed: number;
  /** Its pitch; a voice each. */
  hertz: number;
}>;

const secondsPerCharacter = 0.06;
const piecesPerSecond = 4;
/** Lengths that are not known when the header is sent, as in every wav that is streamed. */
const unknown = 0xffff_ffff;

/** Answers with a tone, piece by piece, and stops when the client has left. */
export async function sendTone(response: ServerResponse, manner: Manner): Promise<void> {
  const types: Readonly<Record<string, string>> = { mp3: "audio/mpeg", wav: "audio/wav" };
  const type = types[manner.format] ?? "audio/pcm";
  response.writeHead(200, { "content-type": type, "transfer-encoding": "chunked" });
  if (manner.format === "wav") response.write(streamHeader(manner.sampleRate));
  const count = Math.ceil(secondsOf(manner) * piecesPerSecond);
  for (let index = 0; index < count && !response.destroyed; index += 1) {
    await delay(numberFrom("STAND_IN_CHUNK_MS", 5));
    response.write(manner.format === "mp3" ? silentFrames() : samplesOf(manner, index));
  }
  response.end();
}

/** How long a voice would need for the text, in seconds. */
export function secondsOf({ text, speed }: Pick<Manner, "text" | "speed">): number {
  return Math.max(0.25, (text.length * secondsPerCharacter) / speed);
}

/** A quarter of a second of 16 bit samples. */
function samplesOf({ sampleRate, hertz }: Manner, piece: number): Buffer {
  const count = Math.floor(sampleRate / piecesPerSecond);
  const samples = Buffer.alloc(count * 2);
  for (let index = 0; index < count; index += 1) {
    const seconds = (piece * count + index) / sampleRate;
    samples.writeInt16LE(Math.round(8_000 * Math.sin(2 * Math.PI * hertz * seconds)), index * 2);
  }
  return samples;
}

function streamHeader(sampleRate: number): Buffer {
  const header = Buffer.alloc(44);
  header.write("RIFF", 0, "latin1");
  header.writeUInt32LE(unknown, 4);
  header.write("WAVEfmt ", 8, "latin1");
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(sampleRate, 24);
  header.writeUInt32LE(sampleRate * 2, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write("data", 36, "latin1");
  header.writeUInt32LE(unknown, 40);
  return header;
}

/** A quarter of a second of silence: MPEG 1, layer 3, 128 kbit/s, 44,100 Hz, mono; a frame is 417 bytes and 26 ms. */
function silentFrames(): Buffer {
  const frame = Buffer.alloc(417);
  frame.set([0xff, 0xfb, 0x90, 0xc4]);
  return Buffer.concat(Array.from({ length: 10 }, () => frame));
}
