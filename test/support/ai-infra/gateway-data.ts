/** What lies in `/var/lib/gateway/data` beside the databases. */
import { hash } from "node:crypto";
import type { HostFile } from "./write.ts";

const data = "/var/lib/gateway/data";

/** The folder's files. */
export function gatewayData(): readonly HostFile[] {
  const image = Buffer.from(pixel, "base64");
  const voice = tone();
  const sha = hash("sha256", voice, "hex");
  const voices = `${data}/voice_library`;
  return [
    { path: `${data}/requests.jsonl`, content: requests(), mode: 0o640 },
    { path: `${data}/tools/invocations.jsonl`, content: `${invocation}\n` },
    { path: `${data}/tools/tool-ca72aa01bb02cc03dd04ee05.json`, content: invocation },
    { path: `${data}/agent/run-000102030405060708090a0b.json`, content: run },
    { path: `${data}/agent/runs.jsonl`, content: `${run}\n` },
    {
      path: `${data}/ui_images/1765000001_${hash("sha256", image, "hex").slice(0, 16)}.png`,
      content: image,
    },
    {
      path: `${data}/ui_images/1765000002_00112233445566aa.svg`,
      content: "<svg xmlns='http://www.w3.org/2000/svg'/>\n",
    },
    { path: `${data}/ui_files/1765000003_notes.txt`, content: "Notes, with an umlaut: ü\n" },
    { path: `${data}/ui_audio/1765000004_speech.wav`, content: voice },
    { path: `${data}/ui_chats/chat-0001.json`, content: chat },
    { path: `${voices}/ada_${sha.slice(0, 12)}.wav`, content: voice },
    { path: `${voices}/.voice_index.json`, content: voiceIndex(sha) },
    {
      path: `${data}/releases/20260131T120000Z/release_manifest.json`,
      content: '{"gateway":"e14b838"}\n',
    },
    { path: `${data}/something_else.bin`, content: Buffer.of(0, 255, 1, 254) },
  ];
}

/** Where `releases/latest.json` points: an absolute path, as freeze_release.py makes it. */
export const latestRelease = `${data}/releases/20260131T120000Z/release_manifest.json`;

/** A PNG of one pixel. */
const pixel =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

function requests(): string {
  return Array.from({ length: 5 }, (_, index) =>
    JSON.stringify({
      duration_ms: 12 + index,
      method: "POST",
      op: "chat",
      path: "/v1/chat/completions",
      request_id: `req-${String(index).padStart(24, "0")}`,
      status: 200,
      stream: false,
      ts: 1_765_000_000 + index,
    }),
  )
    .map((line) => `${line}\n`)
    .join("");
}

const invocation =
  '{"args":{"text":"hi"},"ok":true,"replay_id":"tool-ca72aa01bb02cc03dd04ee05","request_hash":"68a4","result":{"ok":true,"text":"hi"},"tool":"noop","ts":1765000000,"version":"1"}';

const run = JSON.stringify({
  run_id: "run-000102030405060708090a0b",
  agent: "default",
  tier: 0,
  backend: "ollama",
  ok: true,
  output_text: "done",
  events: [],
});

const chat = JSON.stringify({
  id: "chat-0001",
  created: 1_765_000_000,
  updated: 1_765_000_100,
  summary: "",
  messages: [{ role: "user", content: "Hello", ts: 1_765_000_000 }],
});

function voiceIndex(sha: string): string {
  return JSON.stringify({
    [sha]: {
      id: `ada_${sha.slice(0, 12)}`,
      name: "ada",
      filename: `ada_${sha.slice(0, 12)}.wav`,
      sha256: sha,
    },
  });
}

/** A tenth of a second of 440 Hz: 16 bits, mono, 16 kHz. */
function tone(): Buffer {
  const samples = 1600;
  const bytes = Buffer.alloc(44 + samples * 2);
  bytes.write("RIFF", 0);
  bytes.writeUInt32LE(36 + samples * 2, 4);
  bytes.write("WAVEfmt ", 8);
  bytes.writeUInt32LE(16, 16);
  for (const [at, value] of [
    [20, 1],
    [22, 1],
    [32, 2],
    [34, 16],
  ] as const)
    bytes.writeUInt16LE(value, at);
  bytes.writeUInt32LE(16_000, 24);
  bytes.writeUInt32LE(32_000, 28);
  bytes.write("data", 36);
  bytes.writeUInt32LE(samples * 2, 40);
  for (let index = 0; index < samples; index += 1)
    bytes.writeInt16LE(
      Math.round(12_000 * Math.sin((index * 440 * Math.PI) / 8000)),
      44 + index * 2,
    );
  return bytes;
}
