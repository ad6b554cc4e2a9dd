/** How a stack is right now: one look at the engine and one question to the gateway, nothing changed. */
import type { Engine, LogLine, Observed, ObservedContainer } from "../engine/engine.ts";
import { gatewayPaths } from "../gateway/config.ts";
import type { ProbeReport, StackReadiness } from "../gateway/protocol.ts";
import { classify, type ServiceState } from "../readiness/classify.ts";
import { diagnose } from "../readiness/diagnose.ts";
import type { PortBinding, Service, Stack } from "../stack/stack.ts";
import { tellBlocked } from "./blocked.ts";
import { bystander } from "./bystander.ts";
import { driftOf } from "./drift.ts";
import { askGateway } from "./gateway-access.ts";
import { type GpuStatus, withGpuTruth } from "./gpu-status.ts";
import { signaturesOf } from "./signatures.ts";
import { generationsOf, selectServices, servicesOf } from "./selection.ts";

/** One service, or the gateway, as `nexus status` shows it. */
export type ServiceStatus = ServiceState &
  Readonly<{
    service: string;
    kind: "gateway" | "container" | "external";
    container?: string;
    image?: string;
    /** ISO 8601, engine clock. */
    startedAt?: string;
    restarts: number;
    ports: readonly PortBinding[];
    /** Address of an external service. */
    url?: string;
    /** Requests that the gateway has under way there. */
    inFlight?: number;
    /** The container's last lines, when something is wrong with it. */
    logs?: readonly LogLine[];
    /** Whether it uses the GPUs that it was given; absent where it has none or does not run. */
    gpu?: GpuStatus;
    /** How it differs from the stack file. */
    differs?: string;
  }>;

/** What `nexus status --json` prints. */
export type StackStatus = Readonly<{
  stack: string;
  /** The stack file; absent when only the engine was looked at. */
  file?: string;
  /** Everything is at its level. */
  ok: boolean;
  /** Something differs from the stack file, so that `nexus up` would change it. */
  differs: boolean;
  /** Base URL of the API for OpenAI clients; absent while the gateway publishes no port. */
  api?: string;
  services: readonly ServiceStatus[];
}>;

/** What is looked at; `services` narrows it down. */
export type StatusQuestion = Readonly<{
  engine: Engine;
  name: string;
  stack?: Stack;
  services?: readonly string[];
}>;

/** Looks at the stack. Throws the engine's errors and UnknownServiceError. */
export async function readStackStatus(question: StatusQuestion): Promise<StackStatus> {
  const observed = await question.engine.observe(question.name, []);
  selectServices(question.services ?? [], knownServices({ ...question, observed }));
  const readiness = await askGateway(question.engine, observed);
  const status = judgeStack({ ...question, observed, readiness });
  const asked = await withGpuTruth(status.services, { ...question, observed });
  const services = await Promise.all(
    asked.map((service) => withLastWords(service, question, observed)),
  );
  return { ...status, ok: services.every(({ atLevel }) => atLevel), services };
}

/** Adds what the container printed last to a service that is in trouble, and the advice that follows from it. */
async function withLastWords(
  service: ServiceStatus,
  { engine, stack }: Pick<StatusQuestion, "engine" | "stack">,
  { containers }: Observed,
): Promise<ServiceStatus> {
  const { atLevel, cause, container } = service;
  if (atLevel || cause === undefined || container === undefined) return service;
  const containerId = containers.find(({ name }) => name === container)?.id;
  const { message, remedy, logs } = await diagnose({
    engine,
    service: service.service,
    containerId,
    cause,
    signatures: stack && signaturesOf(stack)[service.service],
  });
  return { ...service, sentence: message, remedy, logs };
}

/** Everything a status is made of. */
export type StatusFacts = Readonly<{
  name: string;
  stack?: Stack;
  services?: readonly string[];
  observed: Observed;
  readiness: StackReadiness | undefined;
}>;

/** Puts the status together. Pure. */
export function judgeStack(facts: StatusFacts): StackStatus {
  const all = [gatewayStatus(facts), ...serviceStatuses(facts)];
  const wanted = facts.services ?? [];
  const services =
    wanted.length === 0 ? all : all.filter(({ service }) => wanted.includes(service));
  const api = apiOf(facts);
  return {
    stack: facts.name,
    ...(facts.stack === undefined ? {} : { file: facts.stack.file }),
    ok: services.every(({ atLevel }) => atLevel),
    differs: services.some(({ differs }) => differs !== undefined),
    ...(api === undefined ? {} : { api }),
    services,
  };
}

/** Names that a status can be asked for. */
export function knownServices({
  stack,
  observed,
}: Pick<StatusFacts, "stack" | "observed">): readonly string[] {
  const named = (stack?.services ?? []).map(({ name }) => name);
  return [...new Set(["gateway", ...named, ...servicesOf(observed.containers)])];
}

function gatewayStatus({ observed, readiness }: StatusFacts): ServiceStatus {
  const [container] = generationsOf(observed.containers, "gateway");
  const service = bystander("gateway", {
    image: container?.image ?? "",
    probed: true,
    oneShot: false,
  });
  const state = classify(container, readiness && gatewayReport(readiness), service);
  const inFlight = readiness === undefined ? {} : { inFlight: readiness.in_flight };
  return { ...describe("gateway", container), ...state, kind: "gateway", ...inFlight };
}

/** The gateway that answers at all can serve. */
function gatewayReport({ keys }: StackReadiness): ProbeReport {
  const detail = `it answers and knows ${String(keys)} ${keys === 1 ? "key" : "keys"}`;
  return { state: "ready", detail, missing_models: [], present_models: [], progress_token: "" };
}

function serviceStatuses(facts: StatusFacts): readonly ServiceStatus[] {
  const wanted = facts.stack?.services ?? [];
  const names = new Set(wanted.map(({ name }) => name));
  const others = servicesOf(facts.observed.containers).filter(
    (name) => name !== "gateway" && !names.has(name),
  );
  return [
    ...tellBlocked(
      wanted.map((service) => wantedStatus(facts, service)),
      wanted,
    ),
    ...others.map((name) => otherStatus(facts, name)),
  ];
}

function wantedStatus(facts: StatusFacts, service: Service): ServiceStatus {
  const [container] = generationsOf(facts.observed.containers, service.name);
  const differs = driftOf(facts.name, service, container);
  return {
    ...describe(service.name, container),
    ...judged(facts, service, container),
    kind: service.kind,
    ...(service.kind === "external" ? { url: service.url } : {}),
    ...(differs === undefined ? {} : { differs }),
  };
}

/** A service that no stack file was read for, or that is no longer in it. */
function otherStatus(facts: StatusFacts, name: string): ServiceStatus {
  const [container] = generationsOf(facts.observed.containers, name);
  const probed = facts.readiness?.services.some(({ id }) => id === name) ?? false;
  const service = bystander(name, {
    image: container?.image ?? "",
    probed,
    oneShot: container?.identity?.role === "job",
  });
  const differs = facts.stack === undefined ? {} : { differs: "no longer in nexus.yaml" };
  return {
    ...describe(name, container),
    ...judged(facts, service, container),
    kind: "container",
    ...differs,
  };
}

type Judged = ServiceState & Readonly<{ inFlight?: number }>;

function judged(
  { readiness }: StatusFacts,
  service: Service,
  container: ObservedContainer | undefined,
): Judged {
  const report = readiness?.services.find(({ id }) => id === service.name);
  const state = classify(container, report, service);
  return report === undefined ? state : { ...state, inFlight: report.in_flight };
}

type Described = Pick<
  ServiceStatus,
  "service" | "container" | "image" | "startedAt" | "restarts" | "ports"
>;

function describe(service: string, container: ObservedContainer | undefined): Described {
  if (container === undefined) return { service, restarts: 0, ports: [] };
  const { name, image, startedAt, restartCount, ports } = container;
  return { service, container: name, image, startedAt, restarts: restartCount, ports };
}

function apiOf({ observed: { containers }, readiness }: StatusFacts): string | undefined {
  const ports =
    generationsOf(containers, "gateway").find(({ state }) => state === "running")?.ports ?? [];
  const port = ports.find(({ containerPort }) => containerPort === gatewayPaths.apiPort);
  return port === undefined
    ? undefined
    : `${readiness?.certificate === undefined ? "http" : "https"}://${reachableHost(port.hostIp)}:${String(port.hostPort)}/v1`;
}

/** Wildcard addresses are reached on loopback. */
export function reachableHost(hostIp: string): string {
  if (hostIp === "" || hostIp === "0.0.0.0") return "127.0.0.1";
  if (hostIp === "::") return "[::1]";
  return hostIp.includes(":") ? `[${hostIp}]` : hostIp;
}
