import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readMetadata } from "../../src/gateway/upstreams/read-metadata.ts";
import { jsonOf, launchGateway, upstreamAt, type TestGateway } from "../support/gateway.ts";
import { reply, startUpstream, type TestUpstream } from "../support/upstream.ts";

type Service = Readonly<Record<string, unknown> & { id: string; metadata_problems: string[] }>;

const base = { schema_version: "v1", service: { name: "one" } };
const option = { key: "voice", label: "Voice", type: "enum", values: ["sky"], default: "sky" };
const whole = {
  ...base,
  backend: { name: "kokoro", vendor: "hexgrad" },
  endpoints: [{ path: "/v1/audio/speech", method: "POST", operation_id: "createSpeech" }],
  capabilities: { domains: ["tts"], modalities: ["audio"], streaming: true, max_concurrency: 2 },
  ui: { options: [option], theme: "own" },
  resources: { cpu: "2", memory: "2Gi", gpu: "optional", gpu_memory: "2Gi" },
  response_types: { default: "audio/mpeg" },
  ui_navigation: { placement: "sidebar", group: "Audio" },
  extra: { kept: [null, 1, "x"] },
};

let upstream: TestUpstream;
let gateway: TestGateway;
let metadata: string;
let descriptor: string | undefined;

beforeAll(async () => {
  upstream = await startUpstream();
  upstream.behave({
    "/v1/metadata": (_, response) => reply(response, 200, metadata),
    "/v1/descriptor": (_, response) =>
      reply(response, descriptor === undefined ? 404 : 200, descriptor ?? "{}"),
  });
  gateway = await launchGateway({ NEXUS_GATEWAY_POLL_READY_MS: "5" });
  say(base);
  await gateway.configure([upstreamAt(upstream.url)]);
});

afterAll(async () => {
  await gateway.close();
  await upstream.stop();
});

function say(document: unknown, more?: unknown): void {
  metadata = typeof document === "string" ? document : JSON.stringify(document);
  descriptor = more === undefined ? undefined : JSON.stringify(more);
}

const services = async () =>
  (await jsonOf<{ data: Service[] }>(await gateway.ask("/v1/services"))).data;

/** The first service once it is as wanted. */
async function untilService(holds: (service: Service) => boolean): Promise<Service> {
  for (;;) {
    const [service] = await services();
    if (service && holds(service)) return service;
  }
}

describe("what a service says of itself", () => {
  test("is read anew while it runs: form, placement, answers, resources and limit change without a restart", async () => {
    const { ui_navigation, response_types, ...first } = whole;
    say(first, { ui_navigation, response_types });
    const service = await untilService(({ max_concurrency: limit }) => limit === 2);
    expect(service).toMatchObject({
      state: "ready",
      path: "/services/one/",
      models: ["echo"],
      in_flight: 0,
      queued: 0,
      ui: { options: [option] },
      response_types,
      ui_navigation,
      resources: { gpu: "optional" },
      metadata: whole,
      metadata_problems: [],
    });
    say({ ...base, capabilities: { max_concurrency: 7 } });
    expect(await untilService(({ max_concurrency: limit }) => limit === 7)).toMatchObject({
      ui: { options: [] },
      response_types: { default: "application/json" },
    });
  });

  test("counts as far as it holds up: the rest is named, told in the log once, and left out", async () => {
    say({
      ...whole,
      capabilities: { ...whole.capabilities, max_concurrency: -1 },
      ui: { options: [option, { key: "speed", type: "number" }, { ...option, type: "colour" }] },
      resources: { ...whole.resources, gpu: "plenty" },
    });
    const service = await untilService(({ metadata_problems: problems }) => problems.length > 0);
    expect(service.metadata_problems).toEqual([
      expect.stringMatching(/^capabilities.max_concurrency: /),
      expect.stringMatching(/^ui.options.1.label: /),
      expect.stringMatching(/^ui.options.1.type: /),
      expect.stringMatching(/^resources.gpu: /),
    ]);
    expect(service).toMatchObject({
      max_concurrency: null,
      ui: { options: [option] },
      resources: { cpu: "2" },
    });
    expect(JSON.stringify(service)).not.toMatch(/plenty|colour/);
    const told = () => gateway.logText().match(/upstream.metadata_invalid/g)?.length;
    expect(told()).toBe(1);
    say({ ...whole, resources: { gpu: 1 } });
    await untilService(({ metadata_problems: problems }) => problems.length === 1);
    expect(told()).toBe(2);
  });

  test.each([
    ["not JSON", '{"schema_version":', "It is not JSON."],
    ["no document", { hello: "world" }, /^schema_version: /],
    ["too large", { ...base, filler: "x".repeat(300_000) }, /larger than 256 KiB/],
  ])(
    "is not believed when it is %s: what the stack declares holds",
    async (_, document, problem) => {
      say(document);
      const service = await untilService((one) =>
        one["metadata_problems"].some((text) => text.match(problem)),
      );
      expect(service).toMatchObject({
        metadata: {
          service: { name: "one" },
          capabilities: { domains: ["chat", "completion", "embedding"] },
        },
      });
    },
  );

  test("may be a page of its own: software without the contract is not blamed for it", async () => {
    say("<!doctype html><title>ui</title>");
    const service = await untilService((one) => one.metadata_problems.length === 0);
    expect(service).toMatchObject({ metadata: { backend: { name: "one" } } });
  });

  test("does not tell where its backend is to those who ask the API", async () => {
    say({ ...whole, backend: { name: "kokoro", base_url: "http://inside:1" } });
    const service = await untilService(({ max_concurrency: limit }) => limit === 2);
    const descriptorText = await (await fetch(`${gateway.url}/v1/descriptor`)).text();
    expect(JSON.stringify(service) + descriptorText).not.toContain("inside");
    expect(JSON.parse(descriptorText)).toMatchObject({
      services: [{ id: "one", state: "ready", ui: { options: [option] } }],
    });
  });
});

describe("the gateway's own documents", () => {
  test("are valid against the schema that they claim", async () => {
    say("none");
    const every = ["chat", "embedding", "tts", "music", "realtime", "ui"];
    const silent = every.map((one) => upstreamAt(upstream.url, { id: one, provides: [one] }));
    await gateway.configure([upstreamAt(upstream.url), ...silent]);
    await untilService(({ max_concurrency: limit }) => limit === null);
    const paths = ["/v1/metadata", "/v1/descriptor"].map((path) => gateway.url + path);
    const own = paths.concat(
      every.map((id) => `${gateway.observabilityUrl}/services/${id}/v1/metadata`),
    );
    for (const url of own) {
      const document = await jsonOf<unknown>(await fetch(url));
      expect(readMetadata(document)).toEqual({ metadata: document, problems: [] });
    }
    for (const service of await services()) {
      expect(readMetadata(service["metadata"]).problems).toEqual([]);
    }
  });

  test("follow the configuration under traffic: services come and go, and no request fails", async () => {
    await gateway.configure([upstreamAt(upstream.url)]);
    const stopping = new AbortController();
    const traffic = Array.from({ length: 4 }, async () => {
      const statuses = new Set<number>();
      while (!stopping.signal.aborted) statuses.add((await gateway.chat({})).status);
      return [...statuses];
    });
    for (let round = 0; round < 10; round += 1) {
      const more =
        round % 2 === 0 ? [upstreamAt(upstream.url, { id: "late", provides: ["ocr"] })] : [];
      await gateway.configure([upstreamAt(upstream.url), ...more]);
      const ids = (await services()).map(({ id }) => id);
      expect(ids).toEqual(["one", ...more.map(({ id }) => id)]);
    }
    stopping.abort();
    expect(await Promise.all(traffic)).toEqual([[200], [200], [200], [200]]);
  });
});

describe("reading a document", () => {
  const json = fc.jsonValue().filter((value) => !JSON.stringify(value).includes("__proto__"));

  test("ends for every JSON there is, trusts nothing invalid and keeps all of what is valid", () => {
    fc.assert(
      fc.property(
        json,
        fc.constantFrom("ui", "capabilities", "endpoints", "resources", "x"),
        (value, key) => {
          const document = { ...base, [key]: value };
          const { metadata: kept, problems } = readMetadata(document);
          expect(problems.length > 0 || isDeepStrictEqual(kept, document)).toBe(true);
          expect(readMetadata(kept)).toEqual({ metadata: kept, problems: [] });
          expect(readMetadata(value).metadata).toBeUndefined();
        },
      ),
    );
  });

  test("names a fault and never the value", () => {
    const { metadata: kept, problems } = readMetadata({ ...base, ui: { options: "nx_secret" } });
    expect(kept).toEqual({ ...base, ui: {} });
    expect(problems.join()).toMatch(/^ui.options: (?!.*nx_secret)/);
  });
});
