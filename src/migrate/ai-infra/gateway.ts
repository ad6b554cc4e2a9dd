/** The old gateway: its settings, and everything that they lead to. */
import type { FoundAlias, FoundGateway, FoundRouting } from "../inventory.ts";
import { argument } from "../read/argument.ts";
import { readBackends } from "../read/backends-yaml.ts";
import { readEnvFile } from "../read/env-file.ts";
import { readModelAliases } from "../read/model-aliases.ts";
import { readTokenPolicies } from "../read/token-policies.ts";
import type { Found, Place, Reading } from "../reading.ts";
import type { SourceTree } from "../source/tree.ts";
import { findDatabases } from "./databases.ts";
import { gatewayOf, unknownSettings } from "./gateway-settings.ts";
import { noCommand, type Job } from "./job.ts";
import { findKeptFiles } from "./kept-files.ts";
import { partOf, together, type Part } from "./part.ts";
import { gatewayApp, gatewayData } from "./paths.ts";
import { readFile } from "./read-file.ts";
import { aliasesInSettings, findRouting } from "./routing.ts";
import { overlaid, setting, type Settings } from "./settings.ts";
import { findTokens } from "./tokens.ts";
import { isPlaceholder } from "../read/known-token.ts";
import { urlsOfBackends, urlsOfSettings } from "./urls.ts";

/** The gateway with all that is its own. */
export type GatewayPart = Readonly<{ gateway?: FoundGateway; routing: FoundRouting; part: Part }>;

const envFile = `${gatewayApp}/.env`;

/** Whether a host has a gateway, or what one kept. */
export async function hasGateway(tree: SourceTree, jobs: readonly Job[]): Promise<boolean> {
  if (gatewayJob(jobs)) return true;
  for (const path of [envFile, gatewayData, gatewayApp]) if (await tree.entry(path)) return true;
  return false;
}

/** Finds the gateway of a host. `now` decides which keys have expired. */
export async function findGateway(
  tree: SourceTree,
  jobs: readonly Job[],
  now: Date,
): Promise<GatewayPart> {
  const job = gatewayJob(jobs);
  const start = await findStart(tree, job);
  const { settings } = start;
  const self = await findItself(tree, start);
  const part = together([
    start.part,
    findTokens(settings),
    urlsOfSettings(settings),
    await findModels(tree, settings),
    await findDatabases(tree, settings, now),
    await findKeptFiles(tree, settings),
    await unusedPolicies(tree, settings),
    { warnings: [...self.warnings, ...redirects(jobs), ...placeholders(settings)] },
  ]);
  const routing = findRouting(settings);
  return { ...(start.at && { gateway: self.gateway }), routing, part };
}

type Start = Readonly<{
  settings: Settings;
  job: Job | undefined;
  /** Undefined where only its data is left. */
  at: Place | undefined;
  part: Part;
}>;

async function findStart(tree: SourceTree, job: Job | undefined): Promise<Start> {
  const file = await readFile(tree, envFile, (bytes, at) => readEnvFile(bytes, at, "dotenv"));
  const own: Settings = job?.environment ?? new Map();
  if (!file) return { settings: own, job, at: job?.at, part: {} };
  const { found, notUnderstood, at } = file;
  const part = { notUnderstood: [...notUnderstood, ...unknownSettings(found)] };
  // pydantic-settings: what is in the environment wins over the file.
  return { settings: overlaid(found, own), job, at, part };
}

async function findItself(
  tree: SourceTree,
  { settings, job, at }: Start,
): Promise<Readonly<{ gateway: FoundGateway; warnings: readonly Found<string>[] }>> {
  const { pair, warnings } = await findPair(tree, settings, job);
  const running = job && (await tree.running(job.unit));
  const gateway: FoundGateway = {
    ...gatewayOf(settings, job, at ?? { host: tree.host, file: gatewayApp }),
    ...(job && { unit: { ...job.unit, ...(running !== undefined && { running }) } }),
    ...(pair && { tls: pair }),
  };
  return { gateway, warnings };
}

/** Aliases and backends. */
async function findModels(tree: SourceTree, settings: Settings): Promise<Part> {
  const aliases = await findAliases(tree, settings);
  const backends = await readFile(tree, `${gatewayApp}/app/backends_config.yaml`, readBackends);
  return together([
    { aliases: aliases?.found ?? [] },
    partOf(aliases),
    partOf(backends),
    urlsOfBackends(backends?.found.backends ?? [], settings),
  ]);
}

function gatewayJob(jobs: readonly Job[]): Job | undefined {
  return jobs.find(({ unit }) => unit.name === "com.ai.gateway" || unit.name === "gateway.service");
}

/** What the settings hold counts before the file that they name, and that before the usual one. */
async function findAliases(
  tree: SourceTree,
  settings: Settings,
): Promise<Reading<readonly FoundAlias[]> | undefined> {
  const path = setting(settings, "MODEL_ALIASES_PATH")?.value ?? `${gatewayApp}/model_aliases.json`;
  return aliasesInSettings(settings) ?? (await readFile(tree, path, readModelAliases));
}

type Pair = Readonly<{
  pair?: NonNullable<FoundGateway["tls"]>;
  warnings: readonly Found<string>[];
}>;

async function findPair(tree: SourceTree, settings: Settings, job: Job | undefined): Promise<Pair> {
  const path = (option: string, name: string): Found<string> | undefined => {
    const value = argument(job ?? noCommand, option);
    return job && value !== undefined ? { value, at: job.at } : setting(settings, name);
  };
  const certificate = path("--ssl-certfile", "GATEWAY_TLS_CERT_PATH");
  const key = path("--ssl-keyfile", "GATEWAY_TLS_KEY_PATH");
  if (!certificate || !key) return { warnings: [] };
  const missing: Found<string>[] = [];
  for (const { value, at } of [certificate, key])
    if ((await tree.entry(value))?.kind !== "file")
      missing.push({ value: `The gateway's certificate is not there: ${value}.`, at });
  return missing.length > 0 ? { warnings: missing } : { pair: { certificate, key }, warnings: [] };
}

/** The gateway never read this file: its content was put into a setting, or never was in force. */
async function unusedPolicies(tree: SourceTree, settings: Settings): Promise<Part> {
  const file = await readFile(tree, `${gatewayApp}/token_policies.json`, readTokenPolicies);
  const own = (file?.found ?? []).filter(({ token }) => !isPlaceholder(token.reveal()));
  if (!file || own.length === 0 || setting(settings, "GATEWAY_TOKEN_POLICIES_JSON")) return {};
  const why =
    "was not in force: the old gateway read GATEWAY_TOKEN_POLICIES_JSON, which is not set.";
  return { notUnderstood: [{ at: file.at, what: "the file", why }] };
}

function redirects(jobs: readonly Job[]): readonly Found<string>[] {
  const value =
    "com.ai.gateway.redirect leads port 80 to the old gateway's port: it is no part of the migration, and goes on until it is stopped.";
  return jobs
    .filter(({ unit }) => unit.name === "com.ai.gateway.redirect")
    .map(({ at }) => ({ value, at }));
}

function placeholders(settings: Settings): readonly Found<string>[] {
  return ["GATEWAY_BEARER_TOKENS", "GATEWAY_BEARER_TOKEN"].flatMap((name) => {
    const found = setting(settings, name);
    const known = (found?.value ?? "").split(",").some((token) => isPlaceholder(token.trim()));
    const value = `${name} has a placeholder that everybody knows: it is not carried.`;
    return found && known ? [{ value, at: found.at }] : [];
  });
}
