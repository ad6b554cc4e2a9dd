import { expect, test } from "vitest";
import { launchGateway, upstreamAt } from "../support/gateway.ts";
import { startUpstream } from "../support/upstream.ts";

test("an upstream that is too busy for its probe, and answers its clients, is asked on", async () => {
  const upstream = await startUpstream();
  const gateway = await launchGateway({ NEXUS_GATEWAY_POLL_READY_MS: "20" });
  await gateway.configure([upstreamAt(upstream.url)]);
  expect((await gateway.chat({})).status).toBe(200);

  const probes: number[] = [];
  upstream.behave({ "/readyz": () => void probes.push(performance.now()) });
  const statuses = new Set<number>();
  // The second probe begins when the first one has been given up.
  while (probes.length < 2) statuses.add((await gateway.chat({})).status);
  statuses.add((await gateway.chat({})).status);
  expect([...statuses]).toEqual([200]);

  await gateway.close();
  await upstream.stop();
});
