import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import OpenAI from "openai";
import { OpenAIRealtimeWS } from "openai/realtime/ws";
import { WebSocketServer } from "ws";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { certificateDigest } from "../../src/gateway/config.ts";
import { makeCertificate } from "../support/certificates.ts";
import { launchGateway, mustSucceed, upstreamAt, type TestGateway } from "../support/gateway.ts";

const tls = makeCertificate();
const server = createServer((_, response) => response.end('{"data":[{"id":"gpt-live"}]}'));
let gateway: TestGateway;

/** An upstream that answers each event as OpenAI's Realtime API does: an update is confirmed, a wrong event refused. */
beforeAll(async () => {
  const peers = new WebSocketServer({ server, path: "/v1/realtime" });
  peers.on("connection", (peer) => {
    peer.send(JSON.stringify({ type: "session.created", event_id: "1", session: {} }));
    peer.on("message", (data) => {
      const { type, session } = JSON.parse((data as Buffer).toString());
      const error = { type: "invalid_request_error", code: "x", message: `no ${type}` };
      const answer =
        type === "session.update" ? { type: "session.updated", session } : { type: "error", error };
      peer.send(JSON.stringify({ event_id: "2", ...answer }));
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  gateway = await launchGateway();
  const config = {
    version: 1 as const,
    stack: "test",
    upstreams: [upstreamAt(url, { provides: ["realtime"] })],
    aliases: { live: ["one/gpt-live"] },
    tls: { certificate: certificateDigest(tls.certificate) },
  };
  await mustSucceed(gateway.control.call({ op: "configure", config, tls }));
});

afterAll(async () => {
  await gateway.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const open = (apiKey: string, model: string) => {
  const client = new OpenAI({ apiKey, baseURL: `${gateway.url.replace("http:", "https:")}/v1` });
  return new OpenAIRealtimeWS({ model, options: { ca: tls.certificate } }, client);
};

describe("OpenAI's realtime client, over TLS", () => {
  test("holds a session with the model behind an alias", async () => {
    const session = open(gateway.key, "live");
    const events: string[] = [];
    session.on("event", ({ type }) => events.push(type));
    const updated = new Promise((resolve) => void session.once("session.updated", resolve));
    const refused = new Promise<Error>((resolve) => void session.once("error", resolve));
    await new Promise((resolve) => void session.once("session.created", resolve));
    session.send({ type: "session.update", session: { type: "realtime", instructions: "Sing." } });
    expect(await updated).toMatchObject({ session: { instructions: "Sing." } });
    session.send({ type: "response.cancel" });
    expect(String(await refused)).toContain("no response.cancel");
    expect(events).toEqual(["session.created", "session.updated", "error"]);
    const closed = once(session.socket as unknown as Socket, "close");
    session.close();
    await closed;
  });

  test("hears why it is not let in", async () => {
    const session = open("nx_wrong", "live");
    const refused = new Promise<Error>((resolve) => void session.once("error", resolve));
    expect(String(await refused)).toMatch(/401/);
  });
});
