/** Registry credentials from the Docker configuration, as the docker CLI finds them (docker/cli cli/config/configfile). */
import { spawn } from "node:child_process";
import { z } from "zod";
import type { AuthEntry, DockerConfiguration } from "../docker-config.ts";
import { parseConfiguration } from "../docker-config.ts";
import { CredentialHelperError } from "../errors/image.ts";

/** Where credentials may come from. */
export type CredentialSources = Readonly<{
  configuration: DockerConfiguration;
  environment: Readonly<Record<string, string | undefined>>;
}>;

/** What the engine passes on to a registry; never to be printed. */
export type RegistryAuth = Readonly<{
  username?: string;
  password?: string;
  identitytoken?: string;
  serveraddress: string;
}>;

/** Credentials, if any, and where they were looked for, in words. */
export type Credentials = Readonly<{ auth?: RegistryAuth; source: string }>;

/** Looks in DOCKER_AUTH_CONFIG, the registry's own helper, the credentials store, then config.json itself. */
export async function findCredentials(
  registry: string,
  sources: CredentialSources,
): Promise<Credentials> {
  const helper = helperFor(registry, sources.configuration);
  return (
    fromVariable(registry, sources) ??
    (await fromHelper(registry, helper, sources)) ??
    fromFile(registry, sources) ?? {
      source: helper === undefined ? "no credentials" : `${helper}, which knows none`,
    }
  );
}

function fromVariable(
  registry: string,
  { environment }: CredentialSources,
): Credentials | undefined {
  const text = environment["DOCKER_AUTH_CONFIG"] ?? "";
  if (text === "") return undefined;
  const source = "DOCKER_AUTH_CONFIG";
  return found(readEntry(parseConfiguration(text, source).auths, registry), source);
}

async function fromHelper(
  registry: string,
  helper: string | undefined,
  { environment }: CredentialSources,
): Promise<Credentials | undefined> {
  if (helper === undefined) return undefined;
  return found(await askHelper(helper, serverKey(registry), environment), helper);
}

function fromFile(registry: string, { configuration }: CredentialSources): Credentials | undefined {
  return found(readEntry(configuration.auths, registry), "auths in Docker's config.json");
}

const found = (auth: RegistryAuth | undefined, source: string): Credentials | undefined =>
  auth === undefined ? undefined : { auth, source };

function helperFor(
  registry: string,
  { credHelpers, credsStore }: DockerConfiguration,
): string | undefined {
  const name = credHelpers?.[registry] ?? credHelpers?.[serverKey(registry)] ?? credsStore ?? "";
  return name === "" ? undefined : `docker-credential-${name}`;
}

/** Docker Hub is filed under the address of its first version. */
const serverKey = (registry: string) =>
  registry === "docker.io" ? "https://index.docker.io/v1/" : registry;

function readEntry(
  auths: Readonly<Record<string, AuthEntry>> | undefined,
  registry: string,
): RegistryAuth | undefined {
  const serveraddress = serverKey(registry);
  const entries = Object.entries(auths ?? {});
  const [, entry] =
    entries.find(([key]) => key === serveraddress) ??
    entries.find(([key]) => hostOf(key) === registry) ??
    [];
  if (entry === undefined) return undefined;
  const { identitytoken = "" } = entry;
  if (identitytoken !== "") return { identitytoken, serveraddress };
  const login = readLogin(entry);
  return login.username === "" ? undefined : { ...login, serveraddress };
}

function readLogin({
  auth = "",
  ...entry
}: AuthEntry): Readonly<{ username: string; password: string }> {
  const [username = "", ...password] = Buffer.from(auth, "base64").toString("utf8").split(":");
  return {
    username: entry.username ?? username,
    password: entry.password ?? password.join(":"),
  };
}

const hostOf = (key: string) => key.replace(/^https?:\/\//, "").replace(/\/.*$/, "");

/** The answer of a credential helper (docker/docker-credential-helpers). */
const helperAnswer = z.object({ Username: z.string(), Secret: z.string() });

async function askHelper(
  helper: string,
  server: string,
  environment: CredentialSources["environment"],
): Promise<RegistryAuth | undefined> {
  try {
    const { code, output } = await run(helper, server, environment);
    if (/credentials not found/i.test(output)) return undefined;
    // The output of a failed helper may hold anything, so it is not shown.
    if (code !== 0) throw new Error(`${helper} ended with code ${code}`);
    const { Username, Secret } = helperAnswer.parse(JSON.parse(output));
    return Username === "<token>"
      ? { identitytoken: Secret, serveraddress: server }
      : { username: Username, password: Secret, serveraddress: server };
  } catch (error) {
    throw new CredentialHelperError(helper, server, error);
  }
}

async function run(
  helper: string,
  server: string,
  environment: CredentialSources["environment"],
): Promise<Readonly<{ code: number | null; output: string }>> {
  const { promise, resolve, reject } = Promise.withResolvers<{
    code: number | null;
    output: string;
  }>();
  const child = spawn(helper, ["get"], {
    env: environment,
    stdio: ["pipe", "pipe", "ignore"],
    // Not the option `timeout`: its timer outlives a helper that could not be started.
    signal: AbortSignal.timeout(30_000),
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString("utf8");
  });
  child.stdin.on("error", () => undefined);
  child.stdin.end(`${server}\n`);
  child.once("error", reject);
  child.once("close", (code) => resolve({ code, output }));
  return promise;
}

/** The value of X-Registry-Auth: base64url with padding, because without it the engine silently pulls anonymously. */
export function registryAuthHeader(
  auth: RegistryAuth | Readonly<Record<string, RegistryAuth>>,
): string {
  return Buffer.from(JSON.stringify(auth))
    .toString("base64")
    .replaceAll("+", "-")
    .replaceAll("/", "_");
}

/** Credentials for every registry that config.json names, as a build needs them for its base images. */
export async function allCredentials(
  sources: CredentialSources,
): Promise<Readonly<Record<string, RegistryAuth>>> {
  const { auths, credHelpers } = sources.configuration;
  const registries = new Set([
    ...Object.keys(auths ?? {}).map(hostOf),
    ...Object.keys(credHelpers ?? {}),
  ]);
  registries.delete("index.docker.io");
  const each = await Promise.all(
    [...registries, "docker.io"].map(async (registry) =>
      findCredentials(registry, sources).catch(() => undefined),
    ),
  );
  return Object.fromEntries(
    each.flatMap((answer) =>
      answer?.auth === undefined ? [] : [[answer.auth.serveraddress, answer.auth]],
    ),
  );
}
