/** What a chat through the gateway needs: its address, a key and a model. */
import { Duplex } from "node:stream";
import type { Engine, ObservedContainer } from "../engine/engine.ts";
import { exitCodes, NexusError } from "../errors.ts";
import { gatewayPaths } from "../gateway/config.ts";
import type { Stack } from "../stack/stack.ts";
import { askPublishedPort, askThroughEngine, findGateway } from "./gateway-access.ts";
import {
  type ApiAccess,
  type ApiModel,
  apiModels,
  type ApiService,
  apiServices,
} from "./gateway-api.ts";
import { keyFile, readKey } from "./key-files.ts";
import { reachableHost } from "./stack-status.ts";

/** There is no key to use the gateway with. */
export class NoKeyError extends NexusError {
  readonly code = "NEXUS_NO_KEY";
  readonly exitCode = exitCodes.usage;
  readonly remedy =
    "Make one with `nexus keys add me --save` and pass `--key-file .nexus/secrets/me.key`, or set NEXUS_API_KEY.";

  constructor(file: string) {
    super(`There is no key at ${file}.`);
  }
}

/** No model behind the gateway can chat. */
export class NoChatModelError extends NexusError {
  readonly code = "NEXUS_NO_CHAT_MODEL";
  readonly exitCode = exitCodes.notReady;
  readonly remedy =
    "See what there is with `nexus models ls`; fetch a model with `nexus models pull llama3.2:1b`, or name one with `--model`.";

  constructor(service: string | undefined) {
    super(
      service === undefined
        ? "No model that can chat is ready."
        : `${service} has no model that can chat.`,
    );
  }
}

/** How the running gateway's API is reached from this machine. Throws GatewayNotRunningError. */
export async function openApi(
  engine: Engine,
  stack: string,
): Promise<Pick<ApiAccess, "base" | "certificate" | "connect">> {
  const gateway = await findGateway(engine, stack);
  const direct = await askPublishedPort(gateway);
  const certificate = (direct ?? (await askThroughEngine(engine, gateway.id)))?.certificate;
  const host = hostOf(gateway) ?? `127.0.0.1:${String(gatewayPaths.apiPort)}`;
  const base = `${certificate === undefined ? "http" : "https"}://${host}/v1`;
  const reached = { base, ...(certificate === undefined ? {} : { certificate }) };
  return direct ? reached : { ...reached, connect: () => tunnel(engine, gateway.id) };
}

/** A key is never sent to a port that may be another gateway's: the way through the engine leads to the right one. */
async function tunnel(engine: Engine, gatewayId: string): Promise<Duplex> {
  const { stdin, stdout } = await engine.containers.exec(gatewayId, [
    "node",
    gatewayPaths.bundle,
    "api",
  ]);
  return Duplex.from({ writable: stdin, readable: stdout });
}

function hostOf({ ports }: ObservedContainer): string | undefined {
  const port = ports.find(({ containerPort }) => containerPort === gatewayPaths.apiPort);
  return port && `${reachableHost(port.hostIp)}:${String(port.hostPort)}`;
}

/** The key from the file asked for, NEXUS_API_KEY, or the stack's own. Throws NoKeyError, LoosePermissionsError. */
export async function findKey(
  { directory }: Pick<Stack, "directory">,
  asked: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const given = environment["NEXUS_API_KEY"];
  if (asked === undefined && given) return given;
  const file = asked ?? keyFile(directory, "default");
  const key = await readKey(file);
  if (!key) throw new NoKeyError(file);
  return key;
}

/** The model asked for, else the first that can chat. Throws NoChatModelError and what the API throws. */
export async function chooseModel(
  access: ApiAccess,
  asked: Readonly<{ model?: string | undefined; service?: string | undefined }>,
): Promise<string> {
  const { model, service } = asked;
  if (model !== undefined) return service === undefined ? model : `${service}/${model}`;
  const [models, services] = await Promise.all([apiModels(access), apiServices(access)]);
  const chosen = firstChatModel(models, services, service);
  if (chosen === undefined) throw new NoChatModelError(service);
  return chosen;
}

/** An alias `default` first, then the first model of a service that chats; embedding models never. Pure. */
export function firstChatModel(
  models: readonly ApiModel[],
  services: readonly ApiService[],
  service?: string,
): string | undefined {
  const chatting = new Set(
    services.filter(({ provides }) => provides.includes("chat")).map(({ id }) => id),
  );
  const candidates = models.filter(
    ({ id, owned_by }) => chatting.has(owned_by) && !/embed|rerank|bge-|minilm/i.test(id),
  );
  if (service !== undefined) return candidates.find(({ owned_by }) => owned_by === service)?.id;
  return models.find(({ id }) => id === "default")?.id ?? candidates[0]?.id;
}
