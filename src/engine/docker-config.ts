/** Docker's own configuration on this machine: config.json, contexts and TLS files. */
import { createHash } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { DockerConfigError, TlsMaterialError } from "./errors/endpoint.ts";
import type { Tls } from "./endpoint.ts";

const authEntry = z.object({
  auth: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  identitytoken: z.string().optional(),
  registrytoken: z.string().optional(),
});

const configuration = z.object({
  currentContext: z.string().optional(),
  HttpHeaders: z.record(z.string(), z.string()).optional(),
  auths: z.record(z.string(), authEntry).optional(),
  credsStore: z.string().optional(),
  credHelpers: z.record(z.string(), z.string()).optional(),
});

/** The parts of `config.json` that matter here, as docker/cli's cli/config/configfile names them. */
export type DockerConfiguration = z.infer<typeof configuration>;

/** One entry of `auths`. */
export type AuthEntry = z.infer<typeof authEntry>;

const contextMeta = z.object({
  Name: z.string(),
  Endpoints: z.object({
    docker: z
      .object({ Host: z.string().optional(), SkipTLSVerify: z.boolean().optional() })
      .optional(),
  }),
});

/** A context's engine: its address and TLS. */
export type StoredContext = Readonly<{ name: string; host: string; tls?: Tls }>;

/** The folder of Docker's configuration: DOCKER_CONFIG, else `~/.docker`. */
export function configurationFolder(
  environment: Readonly<Record<string, string | undefined>>,
  home: string,
): string {
  const named = environment["DOCKER_CONFIG"] ?? "";
  return named === "" ? path.join(home, ".docker") : named;
}

/** Reads `config.json`; empty when there is none. Throws DockerConfigError. */
export async function readConfiguration(folder: string): Promise<DockerConfiguration> {
  const file = path.join(folder, "config.json");
  const text = await readIfThere(file);
  return text === undefined ? {} : parseConfiguration(text.toString("utf8"), file);
}

/** Parses text in the format of `config.json`; throws DockerConfigError naming `file`. */
export function parseConfiguration(text: string, file: string): DockerConfiguration {
  try {
    return configuration.parse(JSON.parse(text));
  } catch (error) {
    throw new DockerConfigError(file, error);
  }
}

/** Reads one context; undefined when there is none of that name. */
export async function readContext(
  folder: string,
  name: string,
): Promise<StoredContext | undefined> {
  const id = createHash("sha256").update(name).digest("hex");
  const file = path.join(folder, "contexts", "meta", id, "meta.json");
  const text = await readIfThere(file);
  if (text === undefined) return undefined;
  const docker = parseContext(text.toString("utf8"), file).Endpoints.docker;
  const skipVerify = docker?.SkipTLSVerify ?? false;
  const tls = await readTls(path.join(folder, "contexts", "tls", id, "docker"), {
    verify: !skipVerify,
  });
  const encrypted = skipVerify || tls.ca !== undefined || tls.cert !== undefined;
  return { name, host: docker?.Host ?? "", ...(encrypted ? { tls } : {}) };
}

function parseContext(text: string, file: string): z.infer<typeof contextMeta> {
  try {
    return contextMeta.parse(JSON.parse(text));
  } catch (error) {
    throw new DockerConfigError(file, error);
  }
}

/** The names of all contexts, for messages. */
export async function contextNames(folder: string): Promise<readonly string[]> {
  const meta = path.join(folder, "contexts", "meta");
  const ids = await readdir(meta).catch(() => []);
  const texts = await Promise.all(
    ids.map(async (id) => readIfThere(path.join(meta, id, "meta.json"))),
  );
  return texts.flatMap((text) => {
    const parsed = contextMeta.safeParse(safeJson(text?.toString("utf8") ?? ""));
    return parsed.success ? [parsed.data.Name] : [];
  });
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** TLS as DOCKER_TLS_VERIFY, DOCKER_TLS and DOCKER_CERT_PATH ask for it; undefined when they do not. */
export async function environmentTls(
  environment: Readonly<Record<string, string | undefined>>,
  folder: string,
): Promise<Tls | undefined> {
  const verify = (environment["DOCKER_TLS_VERIFY"] ?? "") !== "";
  if (!verify && (environment["DOCKER_TLS"] ?? "") === "") return undefined;
  const certificates = environment["DOCKER_CERT_PATH"] ?? "";
  const directory = certificates === "" ? folder : certificates;
  const tls = await readTls(directory, { verify });
  if (verify && certificates !== "" && tls.ca === undefined)
    throw new TlsMaterialError(path.join(directory, "ca.pem"), undefined);
  return tls;
}

async function readTls(directory: string, { verify }: Readonly<{ verify: boolean }>): Promise<Tls> {
  const [ca, cert, key] = await Promise.all(
    ["ca.pem", "cert.pem", "key.pem"].map(async (file) => readTlsFile(path.join(directory, file))),
  );
  return {
    verify,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

async function readTlsFile(file: string): Promise<Buffer | undefined> {
  try {
    return await readIfThere(file);
  } catch (error) {
    throw new TlsMaterialError(file, error);
  }
}

async function readIfThere(file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file);
  } catch (error) {
    if (
      error instanceof Error &&
      "code" in error &&
      (error.code === "ENOENT" || error.code === "ENOTDIR")
    )
      return undefined;
    throw error;
  }
}
