/** What the service says about itself (docs/SERVICE_API.md). */
import type { Settings } from "./settings.ts";
import { sampleRates } from "./speech.ts";
import { pitches, speeds } from "./speech-request.ts";
import type { Voices } from "./voices.ts";

/** The answer of `GET /v1/metadata`, schema v1. */
export function describeService(settings: Settings, voices: Voices): Record<string, unknown> {
  const { name, version, maxConcurrency } = settings;
  return {
    schema_version: "v1",
    service: { name, version, description: "Speaks over a hundred languages without any model." },
    backend: { name: "espeak-ng", vendor: "espeak-ng" },
    endpoints: [
      endpoint("POST", "/v1/audio/speech", "createSpeech", "Speaks a text"),
      endpoint("GET", "/v1/audio/voices", "listVoices", "Lists the voices"),
      endpoint("GET", "/v1/models", "listModels", "Lists the model"),
    ],
    capabilities: {
      domains: ["tts"],
      modalities: ["text", "audio"],
      streaming: true,
      max_concurrency: maxConcurrency,
    },
    ui: { options: formFields(settings, voices) },
    resources: { cpu: "1", memory: "128Mi", gpu: "none" },
  };
}

/** The answer of `GET /v1/descriptor`: the metadata, and what a user interface needs beside it. */
export function describeUi(settings: Settings, voices: Voices): Record<string, unknown> {
  return {
    ...describeService(settings, voices),
    response_types: { default: "audio/wav", streaming: "audio/wav" },
    ui_navigation: { placement: "sidebar", group: "Speech" },
  };
}

/** The form for `/v1/audio/speech`: each key is a field of the request. */
function formFields({ voice }: Settings, voices: Voices): object[] {
  return [
    {
      key: "voice",
      label: "Voice",
      type: "enum",
      values: voices.list().map(({ id }) => id),
      default: voice,
      description: "Who speaks, or in which language.",
    },
    {
      key: "speed",
      label: "Speed",
      type: "number",
      default: speeds.byDefault,
      min: speeds.min,
      max: speeds.max,
      description: "How fast, as a factor.",
    },
    {
      key: "pitch",
      label: "Pitch",
      type: "integer",
      default: pitches.byDefault,
      min: pitches.min,
      max: pitches.max,
      description: "How high the voice is.",
    },
    {
      key: "response_format",
      label: "Format",
      type: "enum",
      values: ["wav", "pcm"],
      default: "wav",
      description: `16 bit, mono: wav has ${sampleRates.wav} samples a second, pcm ${sampleRates.pcm}.`,
    },
  ];
}

function endpoint(method: string, path: string, id: string, summary: string): object {
  return { path, method, operation_id: id, summary };
}
