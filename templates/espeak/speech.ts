/** `POST /v1/audio/speech`: speaks, and sends what is spoken while it is made. */
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { speak, SpeechError, type Utterance } from "./espeak.ts";
import { ApiError, type Body } from "./http.ts";
import { Readiness } from "./readiness.ts";
import type { Settings } from "./settings.ts";
import { readSpeechRequest } from "./speech-request.ts";
import { Turns } from "./turns.ts";
import { Voices } from "./voices.ts";
import { nativeRate, pcmRate, toPcm, wavHeader } from "./wav.ts";

const trialTimeoutMs = 3_000;

/** A wav up to this length, 24 seconds, is sent whole and says its length; a longer one begins before its end is known. */
const heldBytes = 1024 * 1024;

/** Everything that speaking needs. */
export class Speech {
  readonly settings: Settings;
  readonly voices = new Voices();
  readonly readiness: Readiness;
  readonly #turns: Turns;

  constructor(settings: Settings) {
    this.settings = settings;
    this.readiness = new Readiness(() => this.#tryToSpeak());
    this.#turns = new Turns(settings.maxConcurrency, settings.maxConcurrency * 8);
  }

  /** Answers a request; a client that leaves ends the speaking. */
  async answer(body: Body, response: ServerResponse): Promise<void> {
    const { utterance, format } = readSpeechRequest(body, this.settings, this.voices);
    const left = new AbortController();
    response.once("close", () => left.abort());
    const giveBack = await this.#turns.take(left.signal);
    if (left.signal.aborted) return giveBack?.();
    if (!giveBack) throw tooMany(response);
    try {
      const samples = this.#samples(utterance, left.signal);
      await (format === "wav" ? sendWav(samples, response) : sendPcm(samples, response));
    } catch (error) {
      if (!left.signal.aborted) throw error;
    } finally {
      giveBack();
    }
  }

  async *#samples(utterance: Utterance, signal: AbortSignal): AsyncGenerator<Buffer> {
    try {
      yield* speak(this.settings.program, utterance, signal);
    } catch (error) {
      // It may be the text's fault or the machine's: a trial will tell.
      if (!signal.aborted) void this.readiness.try();
      throw error instanceof SpeechError ? new ApiError(500, error.message) : error;
    }
  }

  async #tryToSpeak(): Promise<void> {
    await this.voices.load(this.settings.program);
    const voice = this.voices.find(this.settings.voice);
    const utterance = { text: "Ready.", voice, wordsPerMinute: 175, pitch: 50 };
    const signal = AbortSignal.timeout(trialTimeoutMs);
    for await (const samples of speak(this.settings.program, utterance, signal)) {
      if (samples.some((byte) => byte !== 0)) return;
    }
    throw new SpeechError("espeak-ng made no sound.");
  }
}

async function sendWav(samples: AsyncIterable<Buffer>, response: ServerResponse): Promise<void> {
  const held: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of samples) {
    bytes += chunk.length;
    if (response.headersSent) {
      await send(response, chunk);
      continue;
    }
    held.push(chunk);
    if (bytes <= heldBytes) continue;
    response.writeHead(200, { "Content-Type": "audio/wav" });
    await send(response, Buffer.concat([wavHeader(), ...held.splice(0)]));
  }
  if (bytes === 0) throw nothingToSay();
  if (!response.headersSent) {
    const length = wavHeader().length + bytes;
    response.writeHead(200, { "Content-Type": "audio/wav", "Content-Length": length });
    response.write(wavHeader(bytes));
  }
  response.end(Buffer.concat(held));
}

async function sendPcm(samples: AsyncIterable<Buffer>, response: ServerResponse): Promise<void> {
  for await (const chunk of toPcm(samples)) {
    if (!response.headersSent) {
      response.writeHead(200, { "Content-Type": `audio/pcm;rate=${pcmRate};channels=1` });
    }
    await send(response, chunk);
  }
  if (!response.headersSent) throw nothingToSay();
  response.end();
}

/** Waits when the client reads more slowly than we speak. */
async function send(response: ServerResponse, chunk: Buffer): Promise<void> {
  if (response.destroyed || response.write(chunk)) return;
  await Promise.race([once(response, "drain"), once(response, "close")]);
}

function nothingToSay(): ApiError {
  return new ApiError(400, "There is nothing in `input` that could be spoken.", { param: "input" });
}

function tooMany(response: ServerResponse): ApiError {
  response.setHeader("Retry-After", "1");
  return new ApiError(429, "Too many texts wait to be spoken.", { code: "rate_limit_exceeded" });
}

/** Samples a second of what is sent, by format. */
export const sampleRates = { wav: nativeRate, pcm: pcmRate };
