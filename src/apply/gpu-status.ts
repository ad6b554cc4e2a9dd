/** Adds to a status whether services use the GPUs that they were given. */
import type { Engine, GpuDevices, Observed } from "../engine/engine.ts";
import { upstreamOf } from "../plan/gateway-config.ts";
import { gpuIds } from "../plan/gpu-placement.ts";
import { type GatewayLink, openGatewayLink } from "../readiness/gateway-link.ts";
import { type GpuTruth, isGpuMissing } from "../readiness/gpu-truth.ts";
import type { Cause } from "../readiness/readiness.ts";
import type { ContainerService, Stack } from "../stack/stack.ts";
import { GatewayNotRunningError, newestRunning } from "./gateway-access.ts";
import { readGpuTruth } from "./verify-gpu-use.ts";

/** What a status says of a service's GPUs. */
export type GpuStatus = GpuTruth & Readonly<{ ids: readonly string[] }>;

/** The part of a service's status that this adds to. */
type Asked = Readonly<{
  service: string;
  container?: string;
  atLevel: boolean;
  cause?: Cause;
  gpu?: GpuStatus;
}>;

type Question = Readonly<{ engine: Engine; name: string; stack?: Stack; observed: Observed }>;

/** Every service that runs and has GPUs is asked; one that does not use them is not at its level. */
export async function withGpuTruth<Status extends Asked>(
  services: readonly Status[],
  question: Question,
): Promise<readonly Status[]> {
  const { engine, name, observed } = question;
  const gateway = newestRunning(
    observed.containers.filter(({ identity }) => identity?.role === "gateway"),
  );
  let link: Promise<GatewayLink> | undefined;
  const open = (): Promise<GatewayLink> => {
    if (gateway === undefined) return Promise.reject(new GatewayNotRunningError(name));
    return (link ??= openGatewayLink(engine, gateway.id));
  };
  try {
    return await Promise.all(services.map(async (status) => ask(status, question, open)));
  } finally {
    await (await link?.catch(() => undefined))?.close();
  }
}

async function ask<Status extends Asked>(
  status: Status,
  question: Question,
  link: () => Promise<GatewayLink>,
): Promise<Status> {
  const container = question.observed.containers.find(({ name }) => name === status.container);
  if (container?.gpus === undefined || container.state !== "running") return status;
  const service = wantedService(status.service, question.stack);
  const truth = await readGpuTruth({
    engine: question.engine,
    containerId: container.id,
    startedAt: container.startedAt,
    gpus: container.gpus,
    check: service?.gpuCheck,
    upstream: service && upstreamOf(service, container.name),
    link,
  });
  return judged(status, truth, container.gpus);
}

function judged<Status extends Asked>(status: Status, truth: GpuTruth, gpus: GpuDevices): Status {
  const gpu = { ...truth, ids: gpuIds(gpus) };
  if (!isGpuMissing(truth) || !status.atLevel) return { ...status, gpu };
  const lost = truth.kind === "lost";
  const cause: Cause = { kind: "gpu-unused", detail: truth.detail, lost };
  return { ...status, gpu, atLevel: false, cause };
}

function wantedService(name: string, stack: Stack | undefined): ContainerService | undefined {
  const service = stack?.services.find((each) => each.name === name);
  return service?.kind === "container" ? service : undefined;
}
