/** A second container of a service, beside the one that serves: off the routing, without its name, and gone afterwards. */
import { withStackLock } from "../apply/lock.ts";
import type { ContainerRequest, Engine, ObservedContainer } from "../engine/engine.ts";
import { requestOf, serviceBlueprint } from "../plan/container-request.ts";
import { upstreamOf } from "../plan/gateway-config.ts";
import type { GatewayLink } from "../readiness/gateway-link.ts";
import type { ContainerService, Mount } from "../stack/stack.ts";
import { failed, type Finding, notClaimed, passed, skipped, type Verdict } from "./finding.ts";
import { judgeFirstMoments } from "./honesty.ts";
import type { Subject } from "./subject.ts";
import { visitThroughGateway } from "./through-gateway.ts";

/** What a copy is made of. */
export type Original = Readonly<{
  engine: Engine;
  link: GatewayLink;
  stack: string;
  service: ContainerService;
  /** The container that serves. */
  container: ObservedContainer;
  /** Ends the watching; the copy goes all the same. */
  signal: AbortSignal;
}>;

/** Why a second container could do harm, as a sentence; undefined when it cannot. */
export function unsafeBecause(
  { mounts, devices, oneShot }: Pick<ContainerService, "mounts" | "devices" | "oneShot">,
  { gpus }: Pick<ObservedContainer, "gpus">,
): string | undefined {
  if (gpus !== undefined) return "It has a GPU, which two copies would have to share.";
  if (devices.length > 0) return "It has devices, which two copies would have to share.";
  const writable = mounts.find(isWritable);
  if (writable !== undefined)
    return `It writes to ${nameOf(writable)}, which two copies must not do at once.`;
  return oneShot ? "It runs once and ends." : undefined;
}

function isWritable(mount: Mount): boolean {
  return mount.kind !== "tmpfs" && !mount.readOnly;
}

function nameOf(mount: Mount): string {
  return mount.kind === "tmpfs" ? mount.target : `${mount.source} (${mount.target})`;
}

/** Starts a copy, watches it from its first moment and stops it; two rows. */
export async function examineFreshCopy(
  original: Original,
  subject: Subject,
): Promise<readonly Finding[]> {
  const unsafe = unsafeBecause(original.service, original.container);
  if (unsafe !== undefined) return rows(skipped(unsafe), skipped(unsafe));
  const { engine, stack, service } = original;
  const command = `nexus verify ${service.name}`;
  return withStackLock({ engine, stack, command, signal: original.signal }, () =>
    watchCopy(original, subject),
  );
}

function rows(honest: Verdict, stops: Verdict): readonly Finding[] {
  return [
    { group: "honesty", check: "honest from the start", ...honest },
    { group: "contract", check: "stops when told", ...stops },
  ];
}

async function watchCopy(original: Original, subject: Subject): Promise<readonly Finding[]> {
  const { engine, link, service, signal } = original;
  const request = copyRequest(original);
  const upstream = upstreamOf(service, request.name);
  if (upstream === undefined) return [];
  await engine.containers.remove(request.name);
  const id = await createCopy(request, original);
  try {
    await engine.containers.start(id);
    const visit = visitThroughGateway({ link, upstream, signal });
    const ended = () => whyEnded(original, id);
    const honest = await judgeFirstMoments(subject, { visit, ended }, service);
    return rows(honest, await judgeStop(original, id, subject));
  } finally {
    await engine.containers.remove(id);
  }
}

/** What the running container was made of; nothing that would lead clients, people or a proxy of theirs to it. */
function copyRequest({ stack, service, container }: Original): ContainerRequest {
  const network = container.networks[0]?.name ?? stack;
  const name = `${stack}-${service.name}-verify`;
  const configHash = "0-verify";
  const identity = { stack, service: service.name, role: "job", generation: 0 } as const;
  const blueprint = serviceBlueprint(service, { stack, network });
  return {
    ...requestOf(blueprint, {
      name,
      identity: { ...identity, configHash, version: "0" },
      aliases: [],
    }),
    // By its id: the name may lead elsewhere, or nowhere, since it was started.
    image: container.imageId,
    ports: [],
    labels: {},
    restart: { name: "no" },
  };
}

async function createCopy(
  request: ContainerRequest,
  { engine, container }: Original,
): Promise<string> {
  const [first, ...others] = container.networks;
  const id = await engine.containers.create(request, first?.id ?? "none");
  for (const network of others) await engine.networks.connect(network.id, id, []);
  return id;
}

async function whyEnded({ engine, signal }: Original, id: string): Promise<string | undefined> {
  if (signal.aborted) return "It was interrupted.";
  const seen = await engine.containers.inspect(id);
  if (seen === undefined) return "The copy was removed by somebody else.";
  return seen.state === "exited"
    ? `A fresh copy ended with exit code ${seen.exitCode} before it was ready.`
    : undefined;
}

/** 128 + SIGKILL: it did not end by itself. */
const killedCode = 137;

async function judgeStop(
  { engine, service }: Original,
  id: string,
  { native }: Subject,
): Promise<Verdict> {
  const since = performance.now();
  await engine.containers.stop(id, service.stopGraceMs);
  const seconds = ((performance.now() - since) / 1_000).toFixed(1);
  const exitCode = (await engine.containers.inspect(id))?.exitCode;
  if (exitCode !== killedCode) return passed(`It ended ${seconds} s after SIGTERM.`);
  const because = `It did not end within ${service.stopGraceMs / 1_000} s of SIGTERM and was killed.`;
  return native ? failed(because) : notClaimed(because);
}
