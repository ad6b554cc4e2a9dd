/** The scenario program: one service whose every misbehaviour can be ordered by environment or by request. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { basename, join } from "node:path";
import { answerChat, answerEmbeddings, modelList } from "../openai/chat.ts";
import { type Routes, sendJson, serverOf, type Visit } from "../serve.ts";
import { type Behaviour, behaviourFromEnvironment } from "./behaviour.ts";
import { arrangeFate, crash, eatMemory } from "./fate.ts";

const behaviour = behaviourFromEnvironment();
const startedAt = performance.now();
const seen: string[] = [];
const orders: { ready?: boolean } = {};

process.stdout.write(`scenario ${behaviour.version} starting as uid ${process.getuid?.()}\n`);
arrangeFate(behaviour);
if (behaviour.listens) setTimeout(listen, behaviour.listenAfterMs);
else setInterval(() => undefined, 60_000);

function listen(): void {
  const routes = {
    ...(behaviour.contract ? contract() : {}),
    ...openai(),
    ...inspection(),
    ...control(),
  };
  const server = serverOf(routes);
  server.on("request", (request) => seen.push(`${request.method} ${request.url}`));
  server.listen(behaviour.port, "0.0.0.0", () => {
    process.stdout.write(`scenario ${behaviour.version} listening on ${behaviour.port}\n`);
  });
}

function isReady(): boolean {
  const age = performance.now() - startedAt;
  return orders.ready ?? (age >= behaviour.readyAfterMs && age < behaviour.unreadyAfterMs);
}

function contract(): Routes {
  return {
    "GET /health": ({ response }) => sendJson(response, 200, { status: "ok" }),
    "GET /readyz": ({ response }) => sendReadiness(response),
    "GET /v1/metadata": ({ response }) => sendJson(response, 200, metadata(behaviour)),
  };
}

function sendReadiness(response: Visit["response"]): void {
  if (isReady()) {
    sendJson(response, 200, { status: "ready", checks: { model_loaded: true } });
    return;
  }
  const progress = Math.min(0.99, (performance.now() - startedAt) / behaviour.readyAfterMs);
  const checks = { model_loaded: false };
  sendJson(response, 503, { status: "loading", progress, message: "loading weights", checks });
}

function openai(): Routes {
  const { models, chunks, chunkEveryMs, breakAfterChunks, version } = behaviour;
  return {
    "GET /v1/models": ({ response }) => sendJson(response, 200, modelList(models, "scenario")),
    "POST /v1/chat/completions": (visit) =>
      answerChat(visit, {
        words: wordsOf(visit, chunks, version),
        everyMs: chunkEveryMs,
        breakAfter: breakAfterChunks,
      }),
    "POST /v1/embeddings": (visit) => answerEmbeddings(visit, 8),
  };
}

/** `scenario <version> <hostname>` first, then numbered words up to the number of chunks. */
function wordsOf(visit: Visit, chunks: number, version: string): readonly string[] {
  const asked = visit.url.searchParams.get("chunks");
  const count = asked === null ? chunks : Number(asked);
  const tail = Array.from({ length: Math.max(0, count - 1) }, (_, index) => `word${index + 1}`);
  return [`scenario ${version} ${hostname()}`, ...tail];
}

function inspection(): Routes {
  return {
    "GET /self": ({ response }) => sendJson(response, 200, self()),
    "GET /requests": ({ response }) => sendJson(response, 200, seen),
    "GET /files/*": ({ response, url }) => {
      response.end(readFileSync(join(behaviour.dataDir, basename(url.pathname)), "utf8"));
    },
    "PUT /files/*": ({ response, url, body }) => {
      mkdirSync(behaviour.dataDir, { recursive: true });
      writeFileSync(join(behaviour.dataDir, basename(url.pathname)), String(body["content"]));
      response.writeHead(204).end();
    },
    "GET /read*": ({ response, url }) => {
      response.end(readFileSync(url.searchParams.get("path") ?? "", "utf8"));
    },
    "GET /fetch*": async ({ response, url }) => {
      const signal = AbortSignal.timeout(3000);
      const answer = await fetch(url.searchParams.get("url") ?? "", { signal });
      sendJson(response, 200, { status: answer.status, text: await answer.text() });
    },
  };
}

function obey(order: () => void): Routes[string] {
  return ({ response }) => {
    response.writeHead(202).end();
    order();
  };
}

function control(): Routes {
  return {
    "POST /control/crash": obey(() => crash(behaviour)),
    "POST /control/eat-memory": obey(eatMemory),
    "POST /control/ready": obey(() => (orders.ready = true)),
    "POST /control/unready": obey(() => (orders.ready = false)),
  };
}

function self(): unknown {
  const status: unknown = Object.fromEntries(
    readFileSync("/proc/self/status", "utf8")
      .split("\n")
      .map((line) => line.split(":\t"))
      .filter(([key = ""]) => ["CapEff", "NoNewPrivs", "Seccomp", "Uid", "Gid"].includes(key)),
  );
  const { version } = behaviour;
  return { version, hostname: hostname(), argv: process.argv.slice(2), env: process.env, status };
}

function endpoint(path: string, operation: string) {
  return { path, method: "POST", operation_id: operation };
}

function metadata({ version, maxConcurrency }: Behaviour): unknown {
  return {
    schema_version: "v1",
    service: { name: process.env["SCENARIO_NAME"] ?? "scenario", version },
    backend: { name: "scenario", vendor: "nexus-test" },
    endpoints: [
      endpoint("/v1/chat/completions", "chat_completions"),
      endpoint("/v1/embeddings", "embeddings"),
    ],
    capabilities: {
      domains: ["chat", "embedding"],
      modalities: ["text"],
      streaming: true,
      max_concurrency: maxConcurrency,
    },
    ui: { options: [] },
    resources: {},
  };
}
