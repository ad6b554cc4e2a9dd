/** Images that the catalog knows: what their services become. Pure. */
import type { Catalog } from "../../catalog/catalog.ts";
import { imagesOf, keysOf, type Template } from "../../catalog/template.ts";
import type { Draft } from "./draft.ts";
import { pairsOf } from "./environment.ts";
import { wordOf } from "./fill.ts";

/** How much the catalog helps: the whole template, what is known of the software, or nothing. */
export type Known = Readonly<{ kind: "template" | "facts"; template: Template }> | undefined;

/** Finds out whether a service is one of the catalog's. */
export function known(draft: Draft, catalog: Catalog): Known {
  const { image } = draft.seen;
  if (typeof image !== "string" || draft.keys["build"] !== undefined) return undefined;
  const found = catalog.filter((template) =>
    imagesOf(template).some((each) => repositoryOf(each) === repositoryOf(image)),
  );
  // Some images serve several templates: only the one that is called like the software means it and nothing more.
  const template = found.length > 1 ? found.find(({ id }) => id === softwareOf(image)) : found[0];
  if (!template) return undefined;
  return { kind: fits(draft, template) ? "template" : "facts", template };
}

/** `docker.io/library/redis:7@sha256:…` and `redis` are one repository. */
function repositoryOf(image: string): string {
  return image
    .replace(/@.*$/, "")
    .replace(/:[^/:]*$/, "")
    .replace(/^(?:index\.)?docker\.io\//, "")
    .replace(/^library\//, "");
}

function softwareOf(image: string): string {
  return repositoryOf(image).split("/").at(-2) ?? "";
}

const rival = ["command", "entrypoint", "user", "gateway_key", "secrets", "build"] as const;

/** A template fits where it does not run the software in another way than the user did. */
function fits(draft: Draft, template: Template): boolean {
  const { command, entrypoint, user } = draft.seen;
  if (command !== undefined || entrypoint !== undefined || user !== undefined) return false;
  if (template.id === "open-webui") return !hasOwnModels(draft);
  const ways = [undefined, ...template.variants].map((variant) => keysOf(template, variant));
  return (
    template.models_as === undefined &&
    ways.every((keys) => rival.every((key) => keys[key] === undefined))
  );
}

/** Whether it asks others than the gateway, with a key of theirs, which the template would replace. */
function hasOwnModels(draft: Draft): boolean {
  return pairsOf(draft.raw["environment"]).some(([name]) =>
    /OPENAI_API_(?:KEYS?|BASE_URLS?)$/.test(name),
  );
}

const facts = [
  "port",
  "provides",
  "probe",
  "api_path",
  "metrics_path",
  "stream_usage",
  "stall_timeout",
] as const;

/** Takes over what the catalog knows. */
export function applyKnown(draft: Draft, found: Known): void {
  if (!found) return;
  const { kind, template } = found;
  if (kind === "template") {
    draft.keys["template"] = template.id;
    if (template.id === "open-webui") keepSettings(draft);
    return draft.note(
      "changed",
      ["image"],
      `is the template ${template.id} now, with your image and your settings over it`,
    );
  }
  const port = portOf(draft.seen["command"]);
  if (port === "unclear")
    return draft.note(
      "decide",
      ["command"],
      `names a port: write it under \`port\`, with what \`template: ${template.id}\` says of it, and the gateway serves it`,
    );
  const keys = keysOf(template, undefined);
  for (const key of facts) if (keys[key] !== undefined) draft.keys[key] = keys[key];
  if (port !== undefined) draft.keys["port"] = port;
  draft.note(
    "changed",
    ["image"],
    `is known from the template ${template.id}: the gateway asks it and serves it; it runs as you wrote it`,
  );
}

/** The port that a command names; undefined for none. */
function portOf(command: unknown): number | "unclear" | undefined {
  const text = [command ?? []].flat().map(wordOf).join(" ");
  if (!/(?:^|\s)(?:--port|-p)\b/.test(text)) return undefined;
  const port = Number(/(?:^|\s)(?:--port|-p)[\s=]+(\d{1,5})(?:\s|$)/.exec(text)?.[1]);
  return port >= 1 && port <= 65_535 ? port : "unclear";
}

/** Open WebUI goes on with what was set in the browser, and with its own embeddings: others would not fit its documents. */
function keepSettings(draft: Draft): void {
  const given = new Map(pairsOf(draft.raw["environment"]));
  const asked = given.has("OLLAMA_BASE_URL") || given.has("OLLAMA_BASE_URLS");
  const kept = {
    ENABLE_PERSISTENT_CONFIG: "true",
    RAG_EMBEDDING_ENGINE: "",
    OFFLINE_MODE: "false",
    ...(asked && { ENABLE_OLLAMA_API: "true" }),
  };
  const own = draft.keys["environment"] ?? {};
  draft.keys["environment"] = { ...kept, ...own };
  draft.note(
    "changed",
    ["environment"],
    "what was set in the browser goes on to count, and so do its own embeddings; people log in once more",
  );
}
