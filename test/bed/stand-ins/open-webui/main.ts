/** A stand-in for Open WebUI: it answers once its database is migrated, and asks the gateway with the key it was given. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { dirname } from "node:path";
import { liesAbout } from "../lie.ts";
import { numberFrom, type Routes, sendJson, serverOf, type Visit } from "../serve.ts";

const version = "0.9.6";
const api = process.env["OPENAI_API_BASE_URL"] ?? "";
const key = process.env["OPENAI_API_KEY"] ?? "";
const open = process.env["WEBUI_AUTH"]?.toLowerCase() === "false";
const accounts = `${process.env["STAND_IN_DATA"] ?? "/app/backend/data"}/accounts.json`;

const routes: Routes = {
  "GET /health": ({ response }) => sendJson(response, 200, { status: true }),
  "GET /": ({ response }) => void response.setHeader("content-type", "text/html").end(page),
  "GET /api/config": ({ response }) =>
    sendJson(response, 200, {
      status: true,
      name: "Open WebUI",
      version,
      ...(readAccounts().length === 0 && { onboarding: true }),
      features: { auth: !open, enable_signup: true },
    }),
  "POST /api/v1/auths/signup": signUp,
  "GET /api/models": (visit) => forUser(visit, listModels),
  "POST /api/chat/completions": (visit) => forUser(visit, chat),
};

const page = "<!doctype html><title>Open WebUI</title>";

type Account = Readonly<{ email: string; role: "admin" | "pending"; token: string }>;

function readAccounts(): readonly Account[] {
  return existsSync(accounts) ? JSON.parse(readFileSync(accounts, "utf8")) : [];
}

/** The first account is the administrator's; all others wait for his consent. */
function signUp({ body, response }: Visit): void {
  const known = readAccounts();
  const email = String(body["email"]);
  if (known.some((account) => account.email === email))
    return sendJson(response, 400, { detail: "This email is already registered." });
  const role = known.length === 0 ? "admin" : "pending";
  const account: Account = { email, role, token: randomBytes(16).toString("hex") };
  mkdirSync(dirname(accounts), { recursive: true });
  writeFileSync(accounts, JSON.stringify([...known, account]));
  sendJson(response, 200, { ...account, token_type: "Bearer", name: body["name"] });
}

async function forUser(visit: Visit, answer: (visit: Visit) => Promise<void>): Promise<void> {
  const token = visit.request.headers.authorization?.replace(/^Bearer /, "");
  const known = readAccounts().some((account) => account.token === token);
  if (known || open) return answer(visit);
  sendJson(visit.response, 401, { detail: "401 Unauthorized" });
}

/** What the gateway lists; nothing, as the real one shows it, when the gateway does not answer. */
async function listModels({ response }: Visit): Promise<void> {
  const listed = liesAbout("ready-without-model") ? undefined : await askGateway("/models");
  const { data = [] } = listed?.ok ? ((await listed.json()) as { data?: { id: string }[] }) : {};
  const models = data.map((model) => ({
    ...model,
    name: model.id,
    owned_by: "openai",
    openai: model,
    urlIdx: 0,
  }));
  sendJson(response, 200, { data: models });
}

async function chat({ body, response }: Visit): Promise<void> {
  const answer = await askGateway("/chat/completions", JSON.stringify(body));
  response.writeHead(answer.status, {
    "content-type": answer.headers.get("content-type") ?? "application/json",
  });
  response.end(Buffer.from(await answer.arrayBuffer()));
}

function askGateway(path: string, body?: string): Promise<Response> {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  return fetch(`${api}${path}`, { headers, ...(body !== undefined && { method: "POST", body }) });
}

process.on("SIGTERM", () => process.exit(0));
// Nothing listens while the database is migrated, and a process without anything to do would end.
const alive = setInterval(() => undefined, 60_000);
if (!liesAbout("never-ready"))
  setTimeout(
    () => {
      serverOf(routes).listen(Number(process.env["PORT"] ?? "8080"), "0.0.0.0");
      clearInterval(alive);
    },
    numberFrom("STAND_IN_LOAD_MS", 500),
  );
