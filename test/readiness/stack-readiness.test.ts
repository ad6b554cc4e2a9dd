import { createServer, type Server } from "node:http";
import { afterEach, expect, test } from "vitest";
import { readStackReadiness } from "../../src/readiness/stack-readiness.ts";

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

async function answering(body: string | undefined, status = 200): Promise<number> {
  const server = createServer((_request, response) => {
    if (body !== undefined) response.writeHead(status).end(body);
  });
  servers.push(server);
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return typeof address === "object" && address ? address.port : 0;
}

const document = { status: "not_ready", stack: "home", services: [] };

test("the document is read whether the stack is ready or not", async () => {
  const observabilityPort = await answering(JSON.stringify(document), 503);
  const readiness = await readStackReadiness({
    host: "0.0.0.0",
    observabilityPort,
    timeoutMs: 5_000,
  });
  expect(readiness?.stack).toBe("home");
});

test.each([
  ["something else answers", "<html>hello</html>"],
  ["its JSON is another document", '{"status":"ok"}'],
  ["nothing answers in time", undefined],
])("undefined when %s", async (_case, body) => {
  const observabilityPort = await answering(body);
  const timeoutMs = body === undefined ? 50 : 5_000;
  expect(
    await readStackReadiness({ host: "127.0.0.1", observabilityPort, timeoutMs }),
  ).toBeUndefined();
});

test("undefined when nothing listens", async () => {
  const observabilityPort = await answering("{}");
  for (const server of servers.splice(0)) server.close();
  expect(
    await readStackReadiness({ host: "127.0.0.1", observabilityPort, timeoutMs: 5_000 }),
  ).toBeUndefined();
});
