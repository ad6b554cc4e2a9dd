/** What a client gets through the gateway is what it would get without it, and what the upstream gets is what was sent. */
import fc from "fast-check";
import {
  Agent,
  createServer,
  request,
  type IncomingHttpHeaders,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { endpoints } from "../../src/gateway/api/endpoints.ts";
import { launchGateway, upstreamAt, type TestGateway } from "../support/gateway.ts";

type Message = Readonly<{ headers: IncomingHttpHeaders; body: string }>;
type Seen = Message & Readonly<{ method: string; target: string }>;
type Answer = Message & Readonly<{ status: number }>;

/** A request, and how the upstream answers it. */
type Case = Readonly<{
  path: string;
  query: string;
  headers: Readonly<Record<string, string>>;
  body: string;
  answer: Readonly<{ status: number; kind: "whole" | "chunked" | "events" | "bytes" }>;
}>;

const runs = Number(process.env["NEXUS_TEST_TRANSPARENCY_RUNS"] ?? 100);
const casesPerRun = 50;

/** What the upstream saw: the last request of each case, told apart by whether it still carries a key. */
const seen = { direct: new Map<string, Seen>(), relayed: new Map<string, Seen>() };
const agent = new Agent({ keepAlive: true, maxSockets: 16 });
let server: Server;
let gateway: TestGateway;
let directUrl: string;

beforeAll(async () => {
  server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.once("end", () => {
      const { headers, method = "", url = "" } = incoming;
      const body = Buffer.concat(chunks).toString("latin1");
      const from = headers.authorization === undefined ? seen.relayed : seen.direct;
      from.set(String(headers["x-case"]), { method, target: url, headers, body });
      answer(String(headers["x-answer"] ?? "200 whole"), body, response);
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  directUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  gateway = await launchGateway();
  const provides = [...new Set(endpoints.flatMap(({ capabilities }) => capabilities))];
  const probe = { path: "/", models: "none" };
  const upstream = upstreamAt(directUrl, { provides, models: ["echo"], probe });
  await gateway.configure([upstream], { 'other "name" \u00e9': ["one/echo"] });
});

afterAll(async () => {
  await gateway.close();
  agent.destroy();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** Answers with what was asked, in the form that the request's header tells. */
function answer(form: string, asked: string, response: ServerResponse): void {
  const [status = "200", kind] = form.split(" ");
  const bytes = Buffer.from(asked, "latin1");
  const headers = { "x-ratelimit-remaining": "7", "openai-processing-ms": "12", etag: '"x"' };
  if (Number(status) >= 400) {
    const error = { type: "error", error: { type: "told", message: "It says so.", code: "x" } };
    const body = JSON.stringify(error, undefined, 1);
    response.writeHead(Number(status), { ...headers, "content-type": "application/json" });
    return void response.end(body);
  }
  if (kind === "events") {
    response.writeHead(Number(status), { ...headers, "content-type": "text/event-stream" });
    response.write(`data: ${asked.replaceAll(/[\r\n]/g, " ")}\n`);
    return void response.end("\ndata: [DONE]\n\n");
  }
  const type = kind === "bytes" ? "audio/mpeg" : "application/json; charset=utf-8";
  if (kind !== "chunked") response.setHeader("content-length", bytes.length);
  response.writeHead(Number(status), { ...headers, "content-type": type });
  response.write(bytes.subarray(0, bytes.length >> 1));
  response.end(bytes.subarray(bytes.length >> 1));
}

const space = fc.stringMatching(/^[ \t\r\n]{0,3}$/);
const hostile = ["", "__proto__", "constructor", "model ", "mod", 'mo"del', "stream", "\u{1f600}"];
const known = ["messages", "tools", "tool_choice", "response_format", "temperature", "seed", "x"];

/** A string as JSON may spell it: some characters as escapes. */
const spelled = fc
  .tuple(fc.string({ unit: "grapheme", maxLength: 12 }), fc.nat(3))
  .map(([text, how]) => {
    const json = JSON.stringify(text);
    if (how === 0) return json.replaceAll("/", "\\/");
    return how === 1 ? json.replaceAll(/[^\0-\x7f]/g, escapeUnit) : json;
  });

function escapeUnit(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.constantFrom("-0", "0.10", "1e400", "1E+2", "123456789012345678901234567890", "0.1e-7"),
  fc.integer().map(String),
);

/** JSON text in any spelling, nested a little. */
const { json } = fc.letrec<{ json: string }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    fc.oneof(spelled, number, fc.constantFrom("true", "false", "null", "{}", "[ ]")),
    fc
      .tuple(space, fc.array(tie("json"), { maxLength: 4 }))
      .map(([gap, items]) => `[${gap}${items.join(`,${gap}`)}${gap}]`),
    fc
      .tuple(space, fc.array(fc.tuple(spelled, tie("json")), { maxLength: 4 }))
      .map(
        ([gap, members]) =>
          `{${members.map(([key, value]) => `${gap}${key}${gap}:${value}`).join(",")}${gap}}`,
      ),
  ),
}));

const toolCalls = JSON.stringify([
  {
    role: "assistant",
    tool_calls: [
      {
        id: "c",
        type: "function",
        function: { name: "f", arguments: '{"a":"\\u00e9"}' },
        index: 0,
        extra_content: { signature: "s" },
      },
    ],
  },
  { role: "tool", tool_call_id: "c", content: [{ type: "text", text: "21" }] },
]);

const member = fc.oneof(
  fc.tuple(
    fc.oneof(
      fc.constantFrom(...hostile, ...known).map((key) => JSON.stringify(key)),
      spelled,
    ),
    json,
  ),
  fc.constant<[string, string]>(['"messages"', toolCalls]),
  fc.boolean().map((on): [string, string] => ['"stream"', String(on)]),
);

const isModel = ([key]: readonly [string, string]) =>
  String(JSON.parse(key)).toLowerCase() === "model";

/** A body, less its model: the text before the value of `model` and the text behind it. */
const bodies = fc
  .tuple(
    space,
    fc.array(member, { maxLength: 6 }),
    fc.nat(),
    fc.constantFrom('"model"', String.raw`"mod\u0065l"`),
  )
  .map(([gap, members, at, key]): [string, string] => {
    const others = members
      .filter((one) => !isModel(one))
      .map(([name, value]) => `${name}${gap}:${gap}${value}`);
    const place = at % (others.length + 1);
    const before = others.slice(0, place).map((text) => `${text},${gap}`);
    const behind = others.slice(place).map((text) => `${gap},${text}`);
    return [
      `${gap}{${gap}${before.join("")}${key}${gap}:${gap}`,
      `${behind.join("")}${gap}}${gap}`,
    ];
  });

const otherHeaders = fc.dictionary(
  fc.constantFrom(
    "x-custom",
    "x-session-id",
    "openai-organization",
    "openai-beta",
    "accept",
    "accept-language",
    "user-agent",
    "anthropic-version",
    "x-api-base",
    "x-host",
    "referer",
    "origin-trial",
  ),
  fc.stringMatching(/^[\x21-\x7e]([\x20-\x7e]{0,20}[\x21-\x7e])?$/),
);

/** Traces are passed on when they are written as https://www.w3.org/TR/trace-context/ says. */
const traces = fc.constantFrom({}, { traceparent: `00-${"4b".repeat(16)}-${"f0".repeat(8)}-01` });
const headers = fc.tuple(otherHeaders, traces).map(([other, trace]) => ({ ...other, ...trace }));

const cases = (body: fc.Arbitrary<string>): fc.Arbitrary<Case> =>
  fc.record({
    path: fc.constantFrom(...endpoints.filter(isJson).map(({ path }) => path)),
    query: fc.constantFrom("", "?", "?a=b", "?api-version=2026-01-01&x=%2F%00", "?model=other"),
    headers,
    body,
    answer: fc.record({
      status: fc.constantFrom(200, 200, 200, 201, 202, 203, 400, 402, 404, 409, 422),
      kind: fc.constantFrom("whole", "chunked", "events", "bytes"),
    }),
  });

function isJson(endpoint: Readonly<{ body: string }>): boolean {
  return endpoint.body === "json";
}

test(`${runs * casesPerRun} requests and their answers are the same through the gateway and without it`, async () => {
  const same = cases(bodies.map(([before, behind]) => `${before}"echo"${behind}`));
  await holds(same, async (one, id) => {
    const [direct, relayed] = await Promise.all([
      ask(directUrl, one, id),
      ask(gateway.url, one, id),
    ]);
    expect(relayed.status).toBe(direct.status);
    expect(relayed.body).toBe(direct.body);
    expect(passedBack(relayed.headers)).toEqual(passedBack(direct.headers));
    const [wanted, got] = [seen.direct.get(id), seen.relayed.get(id)];
    expect(got?.body).toBe(wanted?.body);
    expect([got?.method, got?.target]).toEqual([wanted?.method, wanted?.target]);
    expect(passedOn(got?.headers)).toEqual(passedOn(wanted?.headers));
  });
}, 120_000);

test("a request that names its model otherwise differs upstream in the bytes of that name only", async () => {
  const names = ["one/echo", 'other "name" \u00e9'];
  const told = fc.tuple(bodies, fc.constantFrom(...names)).map(([[before, behind], name]) => {
    return `${before}${JSON.stringify(name)}${behind}`;
  });
  await holds(
    cases(told),
    async (one, id) => {
      await ask(gateway.url, one, id);
      const name = names
        .map((each) => JSON.stringify(each))
        .find((each) => one.body.includes(each));
      const [sent, asked] = [one.body, name ?? ""].map((text) =>
        Buffer.from(text).toString("latin1"),
      );
      const expected = sent?.replace(asked ?? "", () => '"echo"');
      expect(seen.relayed.get(id)?.body).toBe(expected);
    },
    Math.ceil(runs / 5),
  );
}, 120_000);

/** Checks every case of many runs; the cases of one run are asked at the same time. */
async function holds(
  one: fc.Arbitrary<Case>,
  check: (one: Case, id: string) => Promise<void>,
  numRuns = runs,
): Promise<void> {
  const many = fc.array(one, { minLength: casesPerRun, maxLength: casesPerRun });
  await fc.assert(
    fc.asyncProperty(many, async (each) => {
      await Promise.all(each.map((single, index) => check(single, String(index))));
    }),
    { numRuns, endOnFailure: true },
  );
}

function ask(base: string, one: Case, id: string): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const body = Buffer.from(one.body);
  const own = {
    authorization: `Bearer ${gateway.key}`,
    "content-type": "application/json",
    "content-length": body.length,
    "x-case": id,
    "x-answer": `${one.answer.status} ${one.answer.kind}`,
  };
  const options = { method: "POST", agent, headers: { ...one.headers, ...own } };
  request(base + one.path + one.query, options, (response) => {
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.on("error", reject);
    response.once("end", () => {
      const text = Buffer.concat(chunks).toString("latin1");
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text });
    });
  })
    .on("error", reject)
    .end(body);
  return promise;
}

/** Headers that a gateway sets anew by its nature, or adds and says so. */
const ownOnTheWay = ["host", "connection", "authorization", "accept-encoding", "x-request-id"];
const ownOnTheWayBack = [
  "connection",
  "keep-alive",
  "transfer-encoding",
  "content-length",
  "date",
  "cache-control",
  "x-accel-buffering",
  "x-request-id",
  "request-id",
  "x-backend-used",
  "x-model-used",
  "x-router-reason",
  "x-router-attempts",
  "x-nexus-queue-ms",
  "x-nexus-overhead-ms",
];

const without = (names: readonly string[]) => (all: IncomingHttpHeaders | undefined) =>
  Object.fromEntries(Object.entries(all ?? {}).filter(([name]) => !names.includes(name)));
const passedOn = without(ownOnTheWay);
const passedBack = without(ownOnTheWayBack);
