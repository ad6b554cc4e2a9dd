/** A stand-in for SearXNG: it reads settings.yml, refuses formats that are not listed there, and finds one page for everything. */
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { liesAbout } from "../lie.ts";
import { sendJson, type Routes, serverOf, type Visit } from "../serve.ts";

const settings = parse(readFileSync(process.env["SEARXNG_SETTINGS_PATH"] ?? "", "utf8")) as {
  search?: { formats?: readonly string[] };
};
const formats = settings.search?.formats ?? ["html"];
const isDown = liesAbout("never-ready");

if ((process.env["SEARXNG_SECRET"] ?? "") === "") {
  process.stderr.write("server.secret_key is not changed. Please use something else.\n");
  process.exit(1);
}

const routes: Routes = {
  "GET /healthz": ({ response }) => void response.writeHead(isDown ? 503 : 200).end("OK"),
  "GET /": ({ response }) =>
    void response
      .setHeader("content-type", "text/html")
      .end("<!doctype html><title>SearXNG</title>"),
  "GET /search": search,
  "POST /search": search,
};

function search({ url, response }: Visit): void {
  const format = url.searchParams.get("format") ?? "html";
  const query = url.searchParams.get("q") ?? "";
  if (!formats.includes(format)) return void response.writeHead(403).end("Forbidden");
  if (query === "") return void response.writeHead(400).end("No query");
  if (format === "html")
    return void response
      .setHeader("content-type", "text/html")
      .end(`<title>${query.length}</title>`);
  const found = { url: "https://example.org/", title: query, content: "One page for everything." };
  sendJson(response, 200, {
    query,
    number_of_results: 1,
    results: [
      { ...found, engine: "stand-in", engines: ["stand-in"], score: 1, category: "general" },
    ],
    answers: [],
    corrections: [],
    infoboxes: [],
    suggestions: [],
    unresponsive_engines: [],
  });
}

process.on("SIGTERM", () => process.exit(0));
serverOf(routes).listen(Number(process.env["GRANIAN_PORT"] ?? "8080"), "0.0.0.0");
