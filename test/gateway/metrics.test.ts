import { readFile } from "node:fs/promises";
import { request } from "node:http";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Counter, Histogram } from "../../src/gateway/metrics/metrics.ts";
import { renderMetrics } from "../../src/gateway/metrics/text-format.ts";
import { launchGateway, upstreamAt, type TestGateway } from "../support/gateway.ts";
import {
  beginEvents,
  deadUrl,
  reply,
  startUpstream,
  type TestUpstream,
} from "../support/upstream.ts";

let upstream: TestUpstream;
let spare: TestUpstream;
let gateway: TestGateway;

beforeAll(async () => {
  upstream = await startUpstream();
  spare = await startUpstream(["spare"]);
  gateway = await launchGateway({ NEXUS_GATEWAY_QUEUE_LENGTH: "0" });
  await gateway.configure(
    [
      upstreamAt(upstream.url, { max_concurrency: 1 }),
      upstreamAt(spare.url, { id: "two" }),
      upstreamAt(await deadUrl(), { id: "dead" }),
    ],
    { either: ["one/echo", "two/spare"] },
  );
});

afterAll(async () => {
  await gateway.close();
  await upstream.stop();
  await spare.stop();
});

const metrics = async () => (await gateway.observe("/metrics")).text();

/** The value of a sample; 0 when there is none yet, as Prometheus's rates take it. */
async function sample(series: string): Promise<number> {
  const line = (await metrics()).split("\n").find((one) => one.startsWith(`${series} `));
  return Number(line?.slice(series.length + 1) ?? 0);
}

/** How much samples grow by what `act` does; the log line of a request is written with its last byte. */
async function growth(series: readonly string[], act: () => Promise<unknown>): Promise<number[]> {
  const before = await Promise.all(series.map(sample));
  await act();
  const after = await Promise.all(series.map(sample));
  return after.map((value, index) => value - (before[index] ?? 0));
}

async function untilSample(series: string, least: number): Promise<void> {
  while ((await sample(series)) < least) await new Promise((resolve) => setImmediate(resolve));
}

const chat = 'endpoint="/v1/chat/completions"';
const requests = (rest: string) => `nexus_requests_total{${chat},${rest}}`;

describe("metrics of real traffic", () => {
  test("count requests by endpoint, model, upstream, status, error and stream", async () => {
    const grown = await growth(
      [
        requests('model="echo",upstream="one",status="200",error="none",stream="false"'),
        requests('model="echo",upstream="one",status="200",error="none",stream="true"'),
        requests(
          'model="none",upstream="none",status="404",error="model_not_found",stream="false"',
        ),
        'nexus_auth_failures_total{reason="missing"}',
        `nexus_time_to_first_byte_seconds_count{${chat},upstream="one"}`,
        `nexus_request_duration_seconds_count{${chat},model="echo",upstream="one"}`,
        `nexus_overhead_seconds_count{${chat}}`,
        `nexus_time_per_output_chunk_seconds_count{${chat},upstream="one"}`,
        'nexus_queue_wait_seconds_count{upstream="one"}',
        'nexus_upstream_attempts_total{upstream="one",outcome="ok"}',
      ],
      async () => {
        await (await gateway.chat({})).text();
        await (await gateway.chat({ stream: true })).text();
        await (await gateway.chat({ model: "ghost" })).text();
        await (await fetch(`${gateway.url}/v1/models`)).text();
      },
    );
    expect(grown).toEqual([1, 1, 1, 1, 2, 2, 2, 1, 2, 2]);
  });

  test("count requests and tokens by the name of the key", async () => {
    const grown = await growth(
      [
        'nexus_key_requests_total{key="default",outcome="ok"}',
        'nexus_key_requests_total{key="default",outcome="failed"}',
      ],
      async () => {
        await (await gateway.chat({})).text();
        await (await gateway.chat({ model: "ghost" })).text();
      },
    );
    expect(grown).toEqual([1, 1]);
    expect(await metrics()).toContain('nexus_key_tokens_total{key="default",type="output"}');
  });

  test("the overhead leaves out the upstream's time, the queue and the client's upload", async () => {
    upstream.behave({
      "/v1/completions": (_, response) => void setTimeout(() => reply(response, 200, "{}"), 300),
    });
    const response = await gateway.ask("/v1/completions", {
      method: "POST",
      body: '{"model":"echo"}',
    });
    await response.text();
    const overheadMs = Number(response.headers.get("x-nexus-overhead-ms"));
    expect(overheadMs).toBeGreaterThan(0);
    expect(overheadMs).toBeLessThan(100);
    expect(response.headers.get("x-nexus-queue-ms")).toBe("0.000");
    const sum = await sample(
      'nexus_request_duration_seconds_sum{endpoint="/v1/completions",model="echo",upstream="one"}',
    );
    expect(sum).toBeGreaterThan(0.29);
  });

  test("tell attempts that failed, requests that fell back and what was refused for lack of a slot", async () => {
    const hold = Promise.withResolvers<void>();
    upstream.behave({
      "/v1/embeddings": (_, response) => reply(response, 500, '{"error":{"message":"no"}}'),
      "/v1/completions": async (_, response) => {
        await hold.promise;
        reply(response, 200, "{}");
      },
    });
    const grown = await growth(
      [
        'nexus_fallbacks_total{from="one",to="two"}',
        'nexus_upstream_attempts_total{upstream="one",outcome="error_status"}',
        'nexus_admission_rejected_total{upstream="one",reason="queue_full"}',
      ],
      async () => {
        const embedding = JSON.stringify({ model: "either", input: "x" });
        await (await gateway.ask("/v1/embeddings", { method: "POST", body: embedding })).text();
        const arrived = upstream.received.length + 1;
        const completion = { method: "POST", body: '{"model":"echo"}' };
        const first = gateway.ask("/v1/completions", completion);
        await upstream.untilReceived(arrived);
        expect(await sample('nexus_in_flight{upstream="one"}')).toBe(1);
        expect((await gateway.chat({})).status).toBe(429);
        hold.resolve();
        await (await first).text();
      },
    );
    expect(grown).toEqual([1, 1, 1]);
  });

  test("tell in which phase clients left and that the upstream was cancelled", async () => {
    upstream.behave({ "/v1/chat/completions": (_, response) => beginEvents(response) });
    const cancelled = 'nexus_upstream_attempts_total{upstream="one",outcome="cancelled"}';
    const streaming = 'nexus_client_disconnects_total{phase="streaming"}';
    const sending = 'nexus_client_disconnects_total{phase="sending"}';
    const leaver = new AbortController();
    const streamed = await gateway.chat({ stream: true }, { signal: leaver.signal });
    expect(streamed.status).toBe(200);
    leaver.abort();
    await untilSample(cancelled, 1);
    await untilSample(streaming, 1);
    const upload = request(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${gateway.key}`, "content-length": "1000" },
    });
    upload.on("error", () => {});
    await new Promise((resolve) => void upload.write("{", resolve));
    upload.destroy();
    await untilSample(sending, 1);
    await untilSample(
      requests('model="none",upstream="none",status="499",error="none",stream="false"'),
      1,
    );
  });

  test("count the bytes of clients' connections once each, however many requests a connection serves", async () => {
    const body = JSON.stringify({ model: "echo", messages: [{ content: "x".repeat(100_000) }] });
    upstream.behave({
      "/v1/chat/completions": ({ body: got }, response) => reply(response, 200, got),
    });
    const [read = 0, written = 0] = await growth(
      ['nexus_bytes_total{direction="in"}', 'nexus_bytes_total{direction="out"}'],
      async () => {
        for (let turn = 0; turn < 5; turn += 1) {
          await (await gateway.ask("/v1/chat/completions", { method: "POST", body })).text();
        }
      },
    );
    for (const bytes of [read, written]) {
      expect(bytes).toBeGreaterThan(5 * body.length);
      expect(bytes).toBeLessThan(5 * body.length + 10_000);
    }
  });

  test("tell the state of upstreams, of the process and of the configuration", async () => {
    const text = await metrics();
    expect(text).toContain('nexus_upstream_up{upstream="one"} 1\n');
    expect(text).toContain('nexus_upstream_up{upstream="dead"} 0\n');
    expect(text).toContain('nexus_upstream_state{upstream="one",state="ready"} 1\n');
    expect(text).toContain('nexus_config_reloads_total{result="accepted"} 1\n');
    expect(text).toMatch(/nexus_build_info\{version="[^"]+",node="[^"]+"\} 1\n/);
    expect(text).toMatch(/process_resident_memory_bytes \d{7,}\n/);
    expect(text).toMatch(/process_cpu_seconds_total [\d.]+\n/);
    expect(text).toMatch(/nodejs_eventloop_lag_seconds\{quantile="0.99"\} \d/);
  });

  test("never take a label from an upstream", async () => {
    const error = { message: "no", type: "x", code: "a_name_of_its_own", param: null };
    upstream.behave({
      "/v1/chat/completions": (_, response) => reply(response, 500, JSON.stringify({ error })),
      "/v1/embeddings": (_, response) => reply(response, 500, JSON.stringify({ error })),
      "/v1/completions": (_, response) => reply(response, 500, JSON.stringify({ error })),
    });
    for (const path of ["/v1/messages", "/v1/embeddings", "/v1/completions"]) {
      const body = JSON.stringify({ model: "echo", max_tokens: 1, messages: [], input: "x" });
      await (await gateway.ask(path, { method: "POST", body })).text();
      await untilSample(
        `nexus_request_duration_seconds_count{endpoint="${path}",model="echo",upstream="one"}`,
        1,
      );
    }
    expect(await metrics()).not.toContain("a_name_of_its_own");
    expect(gateway.logText()).not.toContain("a_name_of_its_own");
  });

  test("never take a label from a client", async () => {
    const names = Array.from({ length: 50 }, (_, index) => `secret-${index}`);
    await Promise.all(names.map(async (name) => (await gateway.ask(`/v1/${name}`)).text()));
    await Promise.all(names.map(async (name) => (await gateway.chat({ model: name })).text()));
    // A service that never listed its models may be asked for any.
    await Promise.all(
      names.map(async (name) => (await gateway.chat({ model: `dead/${name}` })).text()),
    );
    expect(await metrics()).not.toContain("secret-");
  });
});

describe("the text format", () => {
  test("holds nothing but comments and samples", async () => {
    const line = /^[a-z_]+(?:\{[a-z_]+="[^"]*"(?:,[a-z_]+="[^"]*")*\})? -?[\d.e+-]+(?:Inf)?$/;
    const samples = (await metrics())
      .trimEnd()
      .split("\n")
      .filter((one) => !one.startsWith("# "));
    for (const one of samples) expect(one).toMatch(line);
    expect(samples.length).toBeGreaterThan(60);
  });

  test("a histogram's buckets add up, whatever is observed", () => {
    const values = fc.array(fc.double({ noNaN: true, min: 0, max: 10 }));
    fc.assert(
      fc.property(values, (observed) => {
        const histogram = new Histogram({ name: "h", help: "help", labels: ["a"] }, [1, 2]);
        for (const value of observed) histogram.observe(["b"], value);
        const under = (bound: number) => observed.filter((value) => value <= bound).length;
        const lines = [
          `h_bucket{a="b",le="1"} ${under(1)}`,
          `h_bucket{a="b",le="2"} ${under(2)}`,
          `h_bucket{a="b",le="+Inf"} ${observed.length}`,
          `h_sum{a="b"} ${observed.reduce((sum, value) => sum + value, 0)}`,
          `h_count{a="b"} ${observed.length}`,
        ];
        const written = renderMetrics([histogram.read()]).split("\n").slice(2, -1);
        expect(written).toEqual(observed.length === 0 ? [] : lines);
      }),
    );
  });

  test("a label may hold anything", () => {
    const counter = new Counter({ name: "c", help: "help", labels: ["a"] });
    counter.add(['back\\slash "quoted"\nline']);
    expect(renderMetrics([counter.read()])).toContain(
      'c{a="back\\\\slash \\"quoted\\"\\nline"} 1\n',
    );
  });

  test("a flood of series ends in one", () => {
    const counter = new Counter({ name: "c", help: "help", labels: ["name", "other"] });
    for (let index = 0; index < 5_000; index += 1) counter.add([String(index), "x"]);
    const text = renderMetrics([counter.read()]);
    expect(text).toContain('c{name="_other",other="_other"} 3000');
    expect(text.split("\n").length).toBeLessThan(2_010);
  });
});

test("docs/DEPLOYMENT.md lists every metric with its labels and meaning, and no other", async () => {
  const page = await readFile(new URL("../../docs/DEPLOYMENT.md", import.meta.url), "utf8");
  const documented = page.split("\n").filter((line) => /^\| `(?:nexus|process|nodejs)_/.test(line));
  const help = new Map<string, string>();
  const kinds = new Map<string, string>();
  for (const line of (await metrics()).split("\n")) {
    const [, what = "", name = "", text = ""] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (what === "HELP") help.set(name, text);
    if (what === "TYPE") kinds.set(name, text);
  }
  const rows = [...help].map(([name, text]) => `| \`${name}\` | ${kinds.get(name)} | ${text} |`);
  const squeezed = documented.map((line) => line.replaceAll(/ +/g, " "));
  expect(squeezed.toSorted()).toEqual(rows.toSorted());
});
