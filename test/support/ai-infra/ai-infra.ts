/** A three-host ai-infra on disk, as `nexus migrate --from ai-infra` meets it: one folder a host, each with only its own part. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { checkout } from "./checkout.ts";
import { writeMemory, writeUsers, type UserSchema } from "./databases.ts";
import { gatewayData, latestRelease } from "./gateway-data.ts";
import { gatewaySettings } from "./gateway-settings.ts";
import { inferenceHost, linuxHost, studioHost } from "./linux.ts";
import { gatewayJobs, macServices } from "./mac.ts";
import type { HostNames } from "./names.ts";
import { defaultSecrets, type AiInfraSecrets } from "./secrets.ts";
import { asMac, link, writeFiles } from "./write.ts";

/** How the fixture is to be. */
export type AiInfraOptions = Readonly<{
  names?: HostNames;
  secrets?: AiInfraSecrets;
  /** Only the gateway on ai2 and Ollama on ai1. */
  small?: boolean;
  /** `live`: another process holds them open, with rows in the log alone; `closed`: nobody does; `crashed`: the log is left and nobody holds it. */
  databases?: "live" | "closed" | "crashed";
  users?: UserSchema;
  /** The live tools_registry.json lacks its last brace. */
  invalidRegistry?: boolean;
}>;

/** A fixture: dispose of it to end the process that holds its databases. */
export type AiInfra = AsyncDisposable &
  Readonly<{
    /** Holds one folder a host: `<root>/ai1/var/lib/…`. */
    root: string;
    names: HostNames;
    /** Folder of each host. */
    hosts: HostNames;
    secrets: AiInfraSecrets;
  }>;

/** The folder of the old gateway's data, on the gateway's host. */
export const gatewayDataPath = "/var/lib/gateway/data";

/** Builds the fixture in an empty folder. */
export async function buildAiInfra(root: string, options: AiInfraOptions = {}): Promise<AiInfra> {
  const { names = { ai1: "ai1", ai2: "ai2", ada2: "ada2" }, secrets = defaultSecrets } = options;
  const hosts = {
    ai1: join(root, names.ai1),
    ai2: join(root, names.ai2),
    ada2: join(root, names.ada2),
  };
  await asMac(hosts.ai2);
  await writeFiles(hosts.ai2, [
    ...checkout(names, "/Users/ai"),
    ...gatewaySettings(names, secrets, options.invalidRegistry ?? false),
    ...gatewayJobs(names),
    ...gatewayData(),
    ...(options.small ? [] : macServices(secrets)),
  ]);
  await link(hosts.ai2, `${gatewayDataPath}/releases/latest.json`, latestRelease);
  await writeFiles(hosts.ai1, [...linuxHost(names.ai1), ...inferenceHost()]);
  if (!options.small) await buildStudio(hosts.ada2, names, secrets);
  const writer = await writeDatabases(join(hosts.ai2, gatewayDataPath), options, secrets);
  return { root, names, hosts, secrets, [Symbol.asyncDispose]: async () => finish(writer) };
}

async function buildStudio(
  folder: string,
  names: HostNames,
  secrets: AiInfraSecrets,
): Promise<void> {
  await writeFiles(folder, [
    ...linuxHost(names.ada2),
    ...checkout(names, "/home/ai"),
    ...studioHost(names, secrets),
  ]);
  await link(folder, "/etc/nginx/sites-enabled/invokeai", "/etc/nginx/sites-available/invokeai");
}

/** Gives the process that holds the databases, where one does. */
async function writeDatabases(
  folder: string,
  { databases = "closed", users = "with-keys" }: AiInfraOptions,
  secrets: AiInfraSecrets,
): Promise<ChildProcess | undefined> {
  if (databases === "closed") {
    for (const database of [writeMemory(folder), writeUsers(folder, users, secrets)])
      database.close();
    return undefined;
  }
  const program = join(import.meta.dirname, "live-writer.ts");
  const writer = spawn(process.execPath, [program, folder, users], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  writer.stdin.write(`${JSON.stringify(secrets)}\n`);
  await Promise.race([
    once(writer.stdout, "data"),
    once(writer, "exit").then(() =>
      Promise.reject(new Error("the databases could not be written")),
    ),
  ]);
  if (databases === "live") return writer;
  writer.kill("SIGKILL");
  await once(writer, "exit");
  return undefined;
}

async function finish(writer: ChildProcess | undefined): Promise<void> {
  if (!writer || writer.exitCode !== null || writer.signalCode !== null) return;
  const ended = once(writer, "exit");
  writer.stdin?.end();
  await ended;
}
