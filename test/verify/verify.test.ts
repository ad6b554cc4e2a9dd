import { expect, test } from "vitest";
import {
  InvalidAddressError,
  NothingThereError,
  verifyAtAddress,
} from "../../src/verify/at-address.ts";
import { deadUrl } from "../support/upstream.ts";
import { startVllm } from "../support/stand-in.ts";
import { always, changed, detailOf, rows, verify } from "./rows.ts";
import { type Given, redPixel, type Spoilt, startService } from "./service.ts";
import { probeSchema } from "../../src/gateway/config.ts";
import { visitDirectly } from "../../src/verify/direct.ts";
import { verifyService } from "../../src/verify/verify.ts";

test("a service that keeps the contract passes every check that it can be asked", async () => {
  const findings = await verify();
  expect(rows(findings, "fail")).toEqual([]);
  expect(rows(findings, "not-claimed")).toEqual(["endpoints / completions"]);
  expect(rows(findings, "skipped")).toEqual([]);
  expect(rows(findings, "pass")).toEqual([
    "contract / health",
    "contract / readyz",
    "contract / metadata",
    "contract / service.name",
    "contract / descriptor",
    "honesty / ready means it works",
    "endpoints / models",
    "endpoints / chat",
    "endpoints / embeddings",
    "endpoints / embeddings as base64",
    "endpoints / rerank",
    "endpoints / speech",
    "endpoints / transcriptions",
    "endpoints / images",
    "endpoints / POST /v1/example/process",
    "endpoints / ui.options",
    "errors / unknown model",
    "errors / invalid JSON",
    "errors / wrong method",
    "errors / unknown path",
    "streaming / events",
    "streaming / chunks",
    "streaming / finish_reason",
    "streaming / [DONE]",
    "streaming / usage",
    "streaming / as it comes",
  ]);
});

const metadata = "GET /v1/metadata";
const chat = "POST /v1/chat/completions";

/** Other vectors than the honest ones; refusals stay as they are. */
const embedded = (embedding: (at: number) => unknown) =>
  changed((document) => {
    const data: unknown = document["data"];
    if (!Array.isArray(data)) return document;
    return { ...document, data: data.map((_, at) => ({ embedding: embedding(at) })) };
  });

test.each<readonly [string, Spoilt, string, string]>([
  ["/health that fails", { "GET /health": always({ status: 500 }) }, "health", "200"],
  ["/readyz that answers 204", { "GET /readyz": always({ status: 204 }) }, "readyz", "200 or 503"],
  ["/readyz without a document", { "GET /readyz": always({ body: "ok" }) }, "readyz", "expected"],
  [
    "/readyz whose body contradicts its status",
    { "GET /readyz": always({ body: { status: "ready", ready: false } }) },
    "readyz",
    "ready: false",
  ],
  [
    "progress of 42 instead of 0.42",
    { "GET /readyz": always({ status: 503, body: { status: "loading", progress: 42 } }) },
    "readyz",
    "progress",
  ],
  [
    "another name",
    { [metadata]: changed((document) => ({ ...document, service: { name: "yours" } })) },
    "service.name",
    "its name is mine",
  ],
  [
    "a max_concurrency of 0",
    { [metadata]: changed((document) => ({ ...document, capabilities: { max_concurrency: 0 } })) },
    "metadata",
    "capabilities.max_concurrency",
  ],
  [
    "a descriptor without a name",
    { "GET /v1/descriptor": changed((document) => ({ ...document, service: {} })) },
    "descriptor",
    "service.name",
  ],
  [
    "models that are no list",
    { "GET /v1/models": always({ body: { models: [] } }) },
    "models",
    "data",
  ],
  [
    "a declared model that is missing",
    { "GET /v1/models": always({ body: { object: "list", data: [{ id: "other" }] } }) },
    "models",
    "echo-1",
  ],
  ["vectors of zeros", { "POST /v1/embeddings": embedded(() => [0, 0]) }, "embeddings", "zeros"],
  [
    "vectors of different lengths",
    { "POST /v1/embeddings": embedded((at) => (at === 0 ? [1] : [1, 2])) },
    "embeddings",
    "differ",
  ],
  [
    "floats where base64 was asked for",
    { "POST /v1/embeddings": embedded(() => [1, 2]) },
    "embeddings as base64",
    "format",
  ],
  [
    "a rerank that leaves a document out",
    { "POST /v1/rerank": always({ body: { results: [{ index: 0, relevance_score: 1 }] } }) },
    "rerank",
    "three documents",
  ],
  [
    "silence",
    {
      "POST /v1/audio/speech": always({
        headers: { "content-type": "audio/wav" },
        body: silentWav(),
      }),
    },
    "speech",
    "silence",
  ],
  [
    "speech that is JSON",
    { "POST /v1/audio/speech": always({ body: { audio: "…" } }) },
    "speech",
    "audio",
  ],
  [
    "speech that is another format",
    {
      "POST /v1/audio/speech": always({
        headers: { "content-type": "audio/mpeg" },
        body: Buffer.alloc(2_000, 1),
      }),
    },
    "speech",
    "WAVE",
  ],
  [
    "a transcription without text",
    { "POST /v1/audio/transcriptions": always({ body: { words: [] } }) },
    "transcriptions",
    "text",
  ],
  [
    "an image that cannot be unpacked",
    { "POST /v1/images/generations": always(imageOf(redPixel.subarray(0, 50))) },
    "images",
    "breaks off",
  ],
  [
    "an image with a wrong checksum",
    { "POST /v1/images/generations": always(imageOf(spoil(redPixel, 20))) },
    "images",
    "checksum",
  ],
  [
    "a link where the image itself was asked for",
    { "POST /v1/images/generations": always({ body: { data: [{ url: "http://x/1.png" }] } }) },
    "images",
    "url",
  ],
  [
    "an endpoint in the metadata that is not there",
    { "POST /v1/example/process": always({ status: 404 }) },
    "POST /v1/example/process",
    "not there",
  ],
  [
    "an endpoint that refuses what its schema says",
    { "POST /v1/example/process": always({ status: 422, body: { detail: "no" } }) },
    "POST /v1/example/process",
    "request_schema",
  ],
  [
    "a form with an enum without values",
    {
      [metadata]: changed((document) => ({
        ...document,
        ui: { options: [{ key: "mode", label: "Mode", type: "enum" }] },
      })),
    },
    "ui.options",
    "mode",
  ],
  [
    "a form with a default outside of its range",
    {
      [metadata]: changed((document) => ({
        ...document,
        ui: { options: [{ key: "repeat", label: "R", type: "integer", default: 9, max: 3 }] },
      })),
    },
    "ui.options",
    "repeat",
  ],
])("%s fails its row", async (_, spoilt, check, detail) => {
  const findings = await verify(spoilt);
  expect(findings.find((finding) => finding.check === check)?.outcome).toBe("fail");
  expect(detailOf(findings, check)).toContain(detail);
});

test("every problem of the metadata is named with its place", async () => {
  const document = { service: { name: "mine" }, capabilities: { max_concurrency: 1.5 }, ui: 3 };
  const detail = detailOf(await verify({ [metadata]: always({ body: document }) }), "metadata");
  for (const place of ["schema_version", "capabilities.max_concurrency", "ui"])
    expect(detail).toContain(`${place}: `);
});

test("a service that says ready while a claimed endpoint fails is told so, with the endpoint", async () => {
  const loading = { error: { message: "Loading.", type: "server_error", code: null } };
  const findings = await verify({ [chat]: always({ status: 503, body: loading }) });
  expect(rows(findings, "fail")).toContain("honesty / ready means it works");
  expect(detailOf(findings, "ready means it works")).toContain("chat");
  expect(detailOf(findings, "chat")).toContain("503");
});

test("of a service that says it is not ready nothing more is asked", async () => {
  const loading = { status: "loading", ready: false, progress: 0.5 };
  const findings = await verify({ "GET /readyz": always({ status: 503, body: loading }) });
  expect(rows(findings, "fail")).toEqual(["honesty / ready means it works"]);
  expect(rows(findings, "skipped")).toEqual(["endpoints / all", "errors / all", "streaming / all"]);
});

test("an error in another shape, or with another status, fails its row and no other", async () => {
  const detail = { detail: "Not Found" };
  const findings = await verify({
    "GET /nexus-verify/no-such-path": always({ status: 404, body: detail }),
    [chat]: async ({ body, honest }) => {
      if (body.endsWith('"model": ')) return { status: 500, body: detail };
      const answer = await honest();
      const headers = Object.fromEntries(answer.headers);
      return {
        status: answer.status === 404 ? 200 : answer.status,
        headers,
        body: Buffer.from(await answer.arrayBuffer()),
      };
    },
  });
  expect(rows(findings, "fail")).toEqual([
    "errors / unknown model",
    "errors / invalid JSON",
    "errors / unknown path",
  ]);
});

test("other people's software is checked for what is claimed; what it lacks of the contract is not held against it", async () => {
  const vllm = await startVllm("qwen");
  try {
    const claims = { provides: ["chat", "embedding"], models: ["qwen"], probe: "/health" };
    const { ok, findings } = await verifyAtAddress({ url: vllm.url, ...claims });
    expect(rows(findings, "fail")).toEqual([]);
    expect(ok).toBe(true);
    expect(rows(findings, "pass")).toEqual(
      expect.arrayContaining([
        "honesty / ready means it works",
        "endpoints / models",
        "endpoints / chat",
        "endpoints / embeddings",
        "errors / unknown model",
        "streaming / events",
      ]),
    );
    expect(rows(findings, "not-claimed")).toEqual(
      expect.arrayContaining(["contract / readyz", "contract / metadata", "errors / unknown path"]),
    );
  } finally {
    await vllm.stop();
  }
});

test("an address where nothing is, or that is none, is a failure that says what to do", async () => {
  const claims = { provides: [], models: [] };
  await expect(verifyAtAddress({ url: await deadUrl(), ...claims })).rejects.toThrow(
    NothingThereError,
  );
  await expect(verifyAtAddress({ url: "localhost:9000", ...claims })).rejects.toThrow(
    InvalidAddressError,
  );
});

function imageOf(bytes: Buffer): Given {
  return { body: { data: [{ b64_json: bytes.toString("base64") }] } };
}

function spoil(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 0xff;
  return copy;
}

function silentWav(): Buffer {
  const wav = Buffer.alloc(44 + 32_000);
  wav.write("RIFF", 0, "latin1");
  wav.write("WAVEfmt ", 8, "latin1");
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(16_000, 24);
  wav.writeUInt16LE(16, 34);
  wav.write("data", 36, "latin1");
  wav.writeUInt32LE(32_000, 40);
  return wav;
}

test("where no model is listed, that is said instead of what a request without one got", async () => {
  const none = { "GET /v1/models": always({ body: { object: "list", data: [] } }) };
  const service = await startService(none);
  const { findings } = await verifyAtAddress({
    url: service.url,
    provides: ["chat", "embedding"],
    models: [],
    probe: "/health",
  }).finally(() => void service.stop());
  expect(detailOf(findings, "chat")).toBe("It lists no model to ask with.");
  expect(detailOf(findings, "embeddings")).toBe("It lists no model to ask with.");
  expect(detailOf(findings, "events")).toBe("There was no stream: it lists no model");
});

test("software that has a model which nobody names need not list it", async () => {
  const subject = { provides: ["asr"], models: ["base"], apiPath: "/v1", native: false };
  const nothing = always({ status: 404 });
  const service = await startService({ "GET /v1/models": nothing, "GET /v1/metadata": nothing });
  const visit = visitDirectly(new URL(service.url));
  const asked = (models: "none" | "openai") =>
    verifyService({ ...subject, probe: probeSchema.parse({ path: "/health", models }) }, visit);
  const models = (findings: Awaited<ReturnType<typeof asked>>) =>
    findings.find(({ check }) => check === "models")?.outcome;
  try {
    expect(models(await asked("none"))).toBe("not-claimed");
    expect(models(await asked("openai"))).toBe("fail");
  } finally {
    await service.stop();
  }
});
