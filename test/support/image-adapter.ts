/** The image adapter in front of stand-ins, as its tests use it. */
import { once } from "node:events";
import { afterAll, expect, onTestFinished } from "vitest";
import { createApp } from "../../templates/image-adapter/app.ts";
import { readSettings } from "../../templates/image-adapter/settings.ts";
import { startStandIn, type StandIn } from "./stand-in.ts";

/** Upstreams that the adapter knows. */
export type Kind = "comfyui" | "invokeai";

type Environment = Readonly<Record<string, string>>;

const probes = { comfyui: "/system_stats", invokeai: "/api/v1/app/version" };

/** Starts upstreams that end with the test file. */
export function upstreams(): (kind: Kind, environment?: Environment) => Promise<StandIn> {
  const started: StandIn[] = [];
  afterAll(async () => {
    await Promise.all(started.map(async ({ stop }) => stop()));
  });
  return async (kind, environment = {}) => {
    const upstream = await startStandIn(kind, {
      path: probes[kind],
      until: 200,
      environment: { STAND_IN_PORT: "{port}", ...environment },
    });
    started.push(upstream);
    return upstream;
  };
}

/** The adapter in front of an upstream, on a port of its own; it ends with the test. */
export async function adapterFor(
  kind: Kind,
  url: string,
  environment: Environment = {},
): Promise<string> {
  const settings = readSettings({ UPSTREAM_URL: url, UPSTREAM_KIND: kind, ...environment });
  const { server } = createApp(settings);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`;
}

/** An answer, its body read. */
export type Answer = Readonly<{ status: number; retryAfter: string | null; body: unknown }>;

/** Asks for images. */
export async function post(base: string, body: unknown, signal?: AbortSignal): Promise<Answer> {
  const response = await fetch(`${base}/v1/images/generations`, {
    method: "POST",
    body: JSON.stringify(body),
    ...(signal ? { signal } : {}),
  });
  const retryAfter = response.headers.get("retry-after");
  return { status: response.status, retryAfter, body: await response.json() };
}

/** Asks for a JSON document. */
export async function get(url: string): Promise<Answer> {
  const response = await fetch(url);
  return { status: response.status, retryAfter: null, body: await response.json() };
}

/** The images of an answer, in their order. */
export function images(answer: Answer): readonly Buffer[] {
  const { data } = answer.body as { data: { b64_json: string }[] };
  return data.map(({ b64_json: text }) => Buffer.from(text, "base64"));
}

/** Waits until the upstream has so many jobs, those that wait included. */
export async function untilJobs(kind: Kind, url: string, count: number): Promise<void> {
  const path = { comfyui: "/prompt", invokeai: "/api/v1/queue/default/status" }[kind];
  const jobs = async (): Promise<number> => {
    const counts = (await get(url + path)).body as Record<string, Record<string, number>>;
    const { queue_remaining: remaining = 0 } = counts["exec_info"] ?? {};
    const { pending = 0, in_progress: active = 0 } = counts["queue"] ?? {};
    return remaining + pending + active;
  };
  await expect.poll(jobs, { timeout: 10_000, interval: 20 }).toBe(count);
}
