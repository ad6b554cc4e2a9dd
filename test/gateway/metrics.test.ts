import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Counter, Histogram } from "../../src/gateway/metrics/metrics.ts";
import { launchGateway, upstreamAt, type TestGateway } from "../support/gateway.ts";
import { startUpstream, type TestUpstream } from "../support/upstream.ts";

let upstream: TestUpstream;
let gateway: TestGateway;

beforeAll(async () => {
  upstream = await startUpstream();
  gateway = await launchGateway();
  await gateway.configure([upstreamAt(upstream.url)]);
});

afterAll(async () => {
  await gateway.close();
  await upstream.stop();
});

const metrics = async () => (await gateway.observe("/metrics")).text();

describe("metrics", () => {
  test("count real traffic by endpoint, upstream and status", async () => {
    await (await gateway.chat({})).text();
    await (await gateway.chat({ stream: true })).text();
    await (await gateway.chat({ model: "ghost" })).text();
    await (await fetch(`${gateway.url}/v1/models`)).text();
    const text = await metrics();
    const endpoint = 'endpoint="/v1/chat/completions"';
    expect(text).toContain(`nexus_requests_total{${endpoint},upstream="one",status="200"} 2\n`);
    expect(text).toContain(`nexus_requests_total{${endpoint},upstream="none",status="404"} 1\n`);
    expect(text).toContain('nexus_auth_failures_total{reason="missing"} 1\n');
    expect(text).toContain(
      `nexus_time_to_first_byte_seconds_count{${endpoint},upstream="one"} 2\n`,
    );
    expect(text).toContain('nexus_upstream_state{upstream="one",state="ready"} 1\n');
    expect(text).toMatch(/process_resident_memory_bytes \d{7,}\n/);
    expect(text).toMatch(/nodejs_eventloop_lag_seconds\{quantile="0.99"\} \d/);
  });

  test("never take a label from a client", async () => {
    const names = Array.from({ length: 50 }, (_, index) => `secret-${index}`);
    await Promise.all(names.map(async (name) => (await gateway.ask(`/v1/${name}`)).text()));
    await Promise.all(names.map(async (name) => (await gateway.chat({ model: name })).text()));
    expect(await metrics()).not.toContain("secret-");
  });

  test("every line is in Prometheus's text format", async () => {
    const sample = /^[a-z_]+(?:\{[a-z_]+="[^"]*"(?:,[a-z_]+="[^"]*")*\})? -?[\d.e+-]+(?:Inf)?$/;
    const lines = (await metrics()).trimEnd().split("\n");
    const samples = lines.filter((line) => !line.startsWith("# "));
    for (const line of samples) expect(line).toMatch(sample);
    expect(samples.length).toBeGreaterThan(20);
  });

  test("a histogram's buckets add up", () => {
    const histogram = new Histogram("h", "help", [1, 2]);
    for (const value of [0.5, 1, 1.5, 9]) histogram.observe({ a: "b" }, value);
    expect(histogram.render().split("\n").slice(2, -1)).toEqual([
      'h_bucket{a="b",le="1"} 2',
      'h_bucket{a="b",le="2"} 3',
      'h_bucket{a="b",le="+Inf"} 4',
      'h_sum{a="b"} 12',
      'h_count{a="b"} 4',
    ]);
  });

  test("a flood of series ends in one", () => {
    const counter = new Counter("c", "help");
    for (let index = 0; index < 5_000; index += 1) counter.add({ name: String(index) });
    expect(counter.render()).toContain('c{name="_other"} 3000');
  });
});
