import { expect, test } from "vitest";
import { readableGatewayLine } from "../../src/terminal/gateway-log.ts";

const line = (fields: object) =>
  readableGatewayLine(
    JSON.stringify({ time: "2026-11-23T12:01:24.420Z", level: "info", ...fields }),
  ).replace(/^\d\d:\d\d:\d\d/, "12:01:24");

test("a request is told by what was asked for and how it ended", () => {
  expect(
    line({
      event: "request",
      request_id: "req_1",
      endpoint: "/v1/chat/completions",
      status: 200,
      key: "default",
      upstream: "ollama",
      model: "llama3.2:1b",
      ms: 177.2,
    }),
  ).toBe(
    "12:01:24  request  /v1/chat/completions 200 in 177 ms  key=default  upstream=ollama  model=llama3.2:1b",
  );
});

test("a change of state names both; events without a sentence list their fields; levels other than info are named", () => {
  expect(
    line({
      event: "upstream.state",
      level: "warn",
      service: "ollama",
      from: "ready",
      to: "unreachable",
      detail: "nothing accepted the connection",
    }),
  ).toBe(
    "12:01:24  warn  upstream.state  ollama ready → unreachable: nothing accepted the connection",
  );
  expect(line({ event: "gateway.listening", api_port: 8800, keys: 0 })).toBe(
    "12:01:24  gateway.listening  api_port=8800  keys=0",
  );
});

test("what is no document of the gateway's is left as it is", () => {
  for (const text of ["node: out of memory", "{broken", '{"a":1}', "{}"]) {
    expect(readableGatewayLine(text)).toBe(text);
  }
});
