/** What stand-ins that listen hear: how long a sound is, or that it is none. */
import { setTimeout as delay } from "node:timers/promises";
import { numberFrom, type Visit } from "../serve.ts";

/** A form with a sound in it. */
export type Recording = Readonly<{
  fields: Readonly<Record<string, string>>;
  /** Seconds of the file; undefined for what is no sound. */
  seconds: number | undefined;
  hasFile: boolean;
}>;

/** Reads a transcription's form; what is not a form has no file. */
export async function readRecording({ request, bytes }: Visit): Promise<Recording> {
  const type = request.headers["content-type"] ?? "";
  const form = await new Response(new Uint8Array(bytes), { headers: { "content-type": type } })
    .formData()
    .catch(() => new FormData());
  const fields = [...form].flatMap(([name, value]) =>
    typeof value === "string" ? [[name, value] as const] : [],
  );
  const file = form.get("file");
  const content = file instanceof Blob ? Buffer.from(await file.arrayBuffer()) : undefined;
  return {
    fields: Object.fromEntries(fields),
    seconds: content && secondsIn(content),
    hasFile: content !== undefined,
  };
}

/** What was said, after as long as it takes to hear it. */
export async function transcribe(by: string, seconds: number): Promise<string> {
  await delay(numberFrom("STAND_IN_HEAR_MS", 20));
  return `${by} heard ${seconds.toFixed(1)} seconds of sound.`;
}

/** A transcript in one of OpenAI's formats: the body and its type. */
export function writeTranscript(
  text: string,
  seconds: number,
  format: string,
): Readonly<{ type: string; body: string }> {
  const end = `00:00:${Math.floor(seconds).toString().padStart(2, "0")}`;
  switch (format) {
    case "text":
      return { type: "text/plain; charset=utf-8", body: text };
    case "srt":
      return { type: "application/x-subrip", body: `1\n00:00:00,000 --> ${end},000\n${text}\n\n` };
    case "vtt":
      return { type: "text/vtt", body: `WEBVTT\n\n00:00:00.000 --> ${end}.000\n${text}\n\n` };
    case "verbose_json": {
      const segments = [{ id: 0, start: 0, end: seconds, text }];
      const language = "english";
      const whole = { task: "transcribe", language, duration: seconds, text, segments };
      return { type: "application/json", body: JSON.stringify(whole) };
    }
    default:
      return { type: "application/json", body: JSON.stringify({ text }) };
  }
}

/** Of a wav by its header and its length; of an MP3 a guess; undefined for anything else. */
function secondsIn(file: Buffer): number | undefined {
  if (file.toString("latin1", 0, 4) === "RIFF" && file.length > 44)
    return (file.length - 44) / file.readUInt32LE(28);
  if (file.length < 4) return undefined;
  const isMp3 = file.toString("latin1", 0, 3) === "ID3" || file.readUInt16BE(0) >= 0xffe0;
  return isMp3 ? file.length / 16_000 : undefined;
}
