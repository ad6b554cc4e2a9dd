import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { GatewayConfig } from "../../src/gateway/config.ts";
import { readTraceparent, writeTraceparent } from "../../src/gateway/telemetry/traceparent.ts";
import { launchGateway, mustSucceed, upstreamAt, type TestGateway } from "../support/gateway.ts";
import { deadUrl, startUpstream, type TestUpstream } from "../support/upstream.ts";

type Attribute = { key: string; value: { stringValue?: string; intValue?: number } };
type Span = {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  status: { code: number };
  attributes: Attribute[];
};
type Point = {
  attributes: Attribute[];
  asDouble?: number;
  count?: number;
  bucketCounts?: number[];
};
type Metric = { name: string; sum?: { dataPoints: Point[] }; histogram?: { dataPoints: Point[] } };

/** A collector on a real socket that understands OTLP's JSON. */
async function startCollector() {
  const spans: Span[] = [];
  const latest = new Map<string, Metric>();
  const resources = new Set<string>();
  const listeners = new Set<() => void>();
  const take = (path: string, body: string) => {
    const document = JSON.parse(body);
    const resourced = document.resourceSpans ?? document.resourceMetrics;
    for (const { resource, scopeSpans = [], scopeMetrics = [] } of resourced) {
      for (const { key, value } of resource.attributes as Attribute[])
        resources.add(`${key}=${value.stringValue}`);
      for (const scope of scopeSpans) spans.push(...scope.spans);
      for (const scope of scopeMetrics)
        for (const metric of scope.metrics) latest.set(metric.name, metric);
    }
    for (const listener of listeners) listener();
    return path;
  };
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      take(request.url ?? "", body);
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const until = async (holds: () => boolean) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const listener = () => holds() && resolve();
    listeners.add(listener);
    listener();
    await promise;
    listeners.delete(listener);
  };
  const stop = () => {
    server.closeAllConnections();
    return new Promise((resolve) => void server.close(resolve));
  };
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, spans, latest, resources, until, stop };
}

let upstream: TestUpstream;
let gateway: TestGateway;
let collector: Awaited<ReturnType<typeof startCollector>>;

beforeAll(async () => {
  upstream = await startUpstream();
  collector = await startCollector();
  gateway = await launchGateway({ NEXUS_GATEWAY_OTLP_MS: "50" });
});

afterAll(async () => {
  await gateway.close();
  await upstream.stop();
  await collector.stop();
});

const traceId = "0af7651916cd43dd8448eb211c80319c";
const traceparent = `00-${traceId}-b7ad6b7169203331-01`;

async function configure(otlp?: GatewayConfig["otlp"]): Promise<void> {
  const upstreams = [upstreamAt(upstream.url)];
  const config = { version: 1 as const, stack: "test", upstreams, aliases: {} };
  await mustSucceed(
    gateway.control.call({ op: "configure", config: { ...config, ...(otlp && { otlp }) } }),
  );
}

/** Asks for a chat completion and returns the headers that the upstream saw. */
async function headersUpstream(headers: Record<string, string>) {
  const response = await gateway.chat({}, { headers });
  expect(response.status).toBe(200);
  await response.text();
  return upstream.received.at(-1)?.headers ?? {};
}

const valueOf = (attributes: readonly Attribute[], name: string) =>
  attributes.find(({ key }) => key === name)?.value;

describe("without a collector", () => {
  beforeAll(() => configure());

  test("a valid trace goes on to the upstream as it came", async () => {
    const sent = { traceparent, tracestate: "vendor=1" };
    expect(await headersUpstream(sent)).toMatchObject(sent);
  });

  test("a header that is no trace goes no further, nor does its state, and none is made up", async () => {
    for (const invalid of ["00-xyz-1-01", `00-${"0".repeat(32)}-b7ad6b7169203331-01`]) {
      const seen = await headersUpstream({ traceparent: invalid, tracestate: "vendor=1" });
      expect(seen["traceparent"]).toBeUndefined();
      expect(seen["tracestate"]).toBeUndefined();
    }
    expect((await headersUpstream({}))["traceparent"]).toBeUndefined();
  });
});

describe("with a collector", () => {
  beforeAll(() => configure({ endpoint: collector.url }));

  test("a request is a span below its client's, and the upstream's place is below that span", async () => {
    const before = collector.spans.length;
    const seen = await headersUpstream({ traceparent });
    await collector.until(() => collector.spans.length > before);
    const span = collector.spans.at(-1);
    expect(span).toMatchObject({
      name: "POST /v1/chat/completions",
      traceId,
      parentSpanId: "b7ad6b7169203331",
    });
    expect(seen["traceparent"]).toBe(`00-${traceId}-${span?.spanId}-01`);
    const attributes = span?.attributes ?? [];
    expect(valueOf(attributes, "http.response.status_code")).toEqual({ intValue: 200 });
    expect(valueOf(attributes, "nexus.upstream")).toEqual({ stringValue: "one" });
    expect(valueOf(attributes, "gen_ai.request.model")).toEqual({ stringValue: "echo" });
    expect(valueOf(attributes, "gen_ai.usage.input_tokens")).toEqual({ intValue: 1 });
    expect(collector.resources).toContain("service.name=nexus-gateway");
    expect(collector.resources).toContain("service.namespace=test");
  });

  test("a request without a trace begins one", async () => {
    const before = collector.spans.length;
    const seen = await headersUpstream({});
    await collector.until(() => collector.spans.length > before);
    const span = collector.spans.at(-1);
    expect(span?.parentSpanId ?? "").toBe("");
    expect(seen["traceparent"]).toBe(`00-${span?.traceId}-${span?.spanId}-01`);
  });

  test("metrics arrive with the values that Prometheus reads", async () => {
    await headersUpstream({});
    const requests = () =>
      collector.latest.get("nexus_requests_total")?.sum?.dataPoints.find(({ attributes }) => {
        return valueOf(attributes, "status")?.stringValue === "200";
      });
    const line = (await (await gateway.observe("/metrics")).text())
      .split("\n")
      .find((one) => one.startsWith("nexus_requests_total{") && one.includes('status="200"'));
    const count = Number(line?.split(" ").at(-1));
    await collector.until(() => (requests()?.asDouble ?? 0) >= count);
    expect(requests()?.asDouble).toBe(count);
    const [durations] =
      collector.latest.get("nexus_request_duration_seconds")?.histogram?.dataPoints ?? [];
    const buckets = durations?.bucketCounts ?? [];
    expect(buckets.reduce((sum, one) => sum + one, 0)).toBe(durations?.count);
  });

  test("neither keys nor bodies are exported", async () => {
    const before = collector.spans.length;
    await (await gateway.chat({ messages: [{ role: "user", content: "planted-text" }] })).text();
    await collector.until(() => collector.spans.length > before);
    const exported = JSON.stringify([collector.spans, ...collector.latest.values()]);
    expect(exported).not.toContain("planted-text");
    expect(exported).not.toContain(gateway.key);
  });

  test("a collector that is not there disturbs nobody, and one that is taken away gets no more", async () => {
    await configure({ endpoint: await deadUrl() });
    const before = collector.spans.length;
    for (let turn = 0; turn < 20; turn += 1) await headersUpstream({});
    await configure();
    expect((await headersUpstream({}))["traceparent"]).toBeUndefined();
    expect(collector.spans).toHaveLength(before);
  });
});

describe("a traceparent", () => {
  const hex = (length: number) =>
    fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`)).filter((text) => /[^0]/.test(text));

  test("that is written can be read", () => {
    fc.assert(
      fc.property(hex(32), hex(16), fc.nat(255), (trace, spanId, flags) => {
        const context = { traceId: trace, spanId, flags };
        expect(readTraceparent(writeTraceparent(context))).toEqual(context);
      }),
    );
  });

  test("of a later version is read as far as it is known; one that breaks the rules is none", () => {
    expect(readTraceparent(`01-${traceId}-b7ad6b7169203331-01-more`)).toMatchObject({ traceId });
    const invalid = [
      `${traceparent}-more`,
      `ff${traceparent.slice(2)}`,
      traceparent.toUpperCase(),
      "",
    ];
    for (const text of invalid) expect(readTraceparent(text)).toBeUndefined();
  });
});
