/** Speech, transcriptions and images: what comes back is listened to and looked at, not only counted. */
import { failed, passed, type Verdict } from "../finding.ts";
import { readPicture } from "../picture.ts";
import { isRecord } from "../../stack/record.ts";
import { type Answer, jsonIn } from "../visit.ts";
import { readWav, tone } from "../wav.ts";
import { type Exam, modelled, slowMs } from "./exam.ts";

/** The questions about sounds and pictures. */
export const mediaExams: readonly Exam[] = [
  {
    check: "speech",
    endpoint: "speech",
    timeoutMs: slowMs,
    body: (means) => ({
      ...modelled(means),
      input: "One, two, three.",
      voice: means.voice,
      response_format: "wav",
    }),
    judge: judgeSpeech,
  },
  {
    check: "transcriptions",
    endpoint: "transcriptions",
    timeoutMs: slowMs,
    body: ({ model }) => {
      const form = new FormData();
      form.set("file", new Blob([new Uint8Array(tone())], { type: "audio/wav" }), "tone.wav");
      if (model !== undefined) form.set("model", model);
      return form;
    },
    judge: judgeTranscription,
  },
  {
    check: "images",
    endpoint: "images",
    timeoutMs: slowMs,
    body: (means) => ({
      ...modelled(means),
      prompt: "A red square.",
      n: 1,
      size: "256x256",
      response_format: "b64_json",
    }),
    judge: judgeImages,
  },
];

const leastSeconds = 0.2;
const leastPeak = 0.005;

function judgeSpeech({ body, headers }: Answer): Verdict {
  const type = headers["content-type"] ?? "";
  if (!/^(?:audio\/|application\/octet-stream)/.test(type))
    return failed(`The answer's Content-Type has to be audio; it is ${type || "missing"}.`);
  const recording = readWav(body);
  if (recording === undefined)
    return failed("It was asked for wav, and its answer is no WAVE file.");
  const { seconds, peak } = recording;
  if (seconds < leastSeconds) return failed(`The speech lasts ${seconds.toFixed(2)} s only.`);
  if (peak < leastPeak) return failed("The speech is silence.");
  return passed(`${seconds.toFixed(1)} s of sound.`);
}

function judgeTranscription(answer: Answer): Verdict {
  const document = jsonIn(answer);
  return isRecord(document) && typeof document["text"] === "string"
    ? passed("It listens to a recording and answers with a text.")
    : failed('The answer has to be {"text": …}.');
}

function judgeImages(answer: Answer): Verdict {
  const document = jsonIn(answer);
  const data = isRecord(document) ? document["data"] : undefined;
  const image: unknown = Array.isArray(data) ? data[0] : undefined;
  if (!isRecord(image)) return failed("`data` has to hold the image.");
  const { b64_json: encoded, url } = image;
  if (typeof encoded !== "string")
    return typeof url === "string"
      ? failed("It was asked for `b64_json` and answered with a `url`.")
      : failed("`data[0].b64_json` has to be the image.");
  const picture = readPicture(Buffer.from(encoded, "base64"));
  if (typeof picture === "string") return failed(`What it calls an image is none: ${picture}.`);
  const { kind, width, height } = picture;
  return passed(width > 0 ? `A ${kind} of ${width} × ${height}.` : `A ${kind}.`);
}
