/** Runs espeak-ng (https://github.com/espeak-ng/espeak-ng): texts go in by stdin, samples come out by stdout. */
import { type ChildProcessByStdio, execFile, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { promisify } from "node:util";
import { bytesPerSample, nativeRate, wavHeaderBytes } from "./wav.ts";

/** What is to be said, and how. */
export type Utterance = {
  text: string;
  /** As espeak-ng knows it: a language, and `+` with a variant. */
  voice: string;
  wordsPerMinute: number;
  /** 0 to 99. */
  pitch: number;
};

/** espeak-ng did not do what it was asked to. */
export class SpeechError extends Error {}

type Speaker = ChildProcessByStdio<Writable, Readable, Readable>;

/** What espeak-ng prints of its voices; `variant` lists those that are laid over a language's. */
export async function printVoices(program: string, which?: "variant"): Promise<string> {
  const list = which === undefined ? "--voices" : `--voices=${which}`;
  const { stdout } = await promisify(execFile)(program, [list], { timeout: 5_000 });
  return stdout;
}

/** Samples as they are made: 16 bit, little-endian, mono, 22,050 a second. The process ends with the signal, or when nobody reads on. Throws SpeechError. */
export async function* speak(
  program: string,
  utterance: Utterance,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const speaker: Speaker = spawn(program, wordsFor(utterance), { stdio: "pipe" });
  const failure = failureOf(speaker);
  const kill = (): void => void speaker.kill("SIGKILL");
  signal.addEventListener("abort", kill, { once: true });
  // It may end before it has read everything; its end says why.
  speaker.stdin.on("error", () => undefined);
  speaker.stdin.end(utterance.text);
  try {
    yield* samplesOf(speaker.stdout);
    const message = await failure;
    if (message !== undefined) throw new SpeechError(message);
  } finally {
    signal.removeEventListener("abort", kill);
    kill();
  }
}

function wordsFor({ voice, wordsPerMinute, pitch }: Utterance): string[] {
  return [
    "--stdin",
    "--stdout",
    "-b1",
    `-v${voice}`,
    `-s${Math.round(wordsPerMinute)}`,
    `-p${pitch}`,
  ];
}

/** Why it failed once it has ended; undefined when it did not. */
function failureOf(speaker: Speaker): Promise<string | undefined> {
  let complaint = "";
  speaker.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint = `${complaint}${text}`.slice(-1_000);
  });
  return new Promise((resolve) => {
    speaker.once("error", ({ message }) => resolve(message));
    speaker.once("close", (code, killedBy) => {
      if (code === 0) resolve(undefined);
      else resolve(`espeak-ng ended with ${code ?? killedBy}. ${complaint.trim()}`.trim());
    });
  });
}

/** What comes behind the header, which espeak-ng writes before it knows the length. */
async function* samplesOf(stdout: Readable): AsyncGenerator<Buffer> {
  let head: Buffer | undefined = Buffer.alloc(0);
  for await (const chunk of stdout) {
    if (head === undefined) {
      yield Buffer.from(chunk);
      continue;
    }
    head = Buffer.concat([head, Buffer.from(chunk)]);
    if (head.length < wavHeaderBytes) continue;
    checkHeader(head);
    yield head.subarray(wavHeaderBytes);
    head = undefined;
  }
}

function checkHeader(head: Buffer): void {
  const format = [head.readUInt16LE(22), head.readUInt32LE(24), head.readUInt16LE(34)];
  const known = [1, nativeRate, bytesPerSample * 8];
  if (head.toString("latin1", 0, 4) === "RIFF" && format.join() === known.join()) return;
  throw new SpeechError(`espeak-ng speaks in a format that is not known here: ${format.join()}.`);
}
