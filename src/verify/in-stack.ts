/** Verifies a service of a running stack. */
import { InterruptedError } from "../apply/errors.ts";
import { withGateway } from "../apply/gateway-access.ts";
import { runningContainer, UnknownServiceError } from "../apply/selection.ts";
import type { Engine } from "../engine/engine.ts";
import { exitCodes, NexusError } from "../errors.ts";
import type { Upstream } from "../gateway/config.ts";
import { externalUpstream, upstreamOf } from "../plan/gateway-config.ts";
import type { Service, Stack } from "../stack/stack.ts";
import type { Finding } from "./finding.ts";
import { examineFreshCopy } from "./fresh-copy.ts";
import type { Subject } from "./subject.ts";
import { visitThroughGateway } from "./through-gateway.ts";
import { type Conformance, conformanceOf, verifyService } from "./verify.ts";

/** A service that does not speak HTTP promises nothing that could be asked. */
export class NothingToVerifyError extends NexusError {
  readonly code = "NEXUS_NOTHING_TO_VERIFY";
  readonly exitCode = exitCodes.usage;
  readonly remedy =
    "Give it `port:` in the stack file if it speaks HTTP; otherwise look at it with `nexus status`.";

  constructor(service: string) {
    super(`${service} has no port: there is nothing to ask it.`);
  }
}

/** What to verify. */
export type StackQuestion = Readonly<{
  engine: Engine;
  stack: Stack;
  service: string;
  /** Whether a fresh copy may be started. */
  copy: boolean;
  /** Ends everything. */
  signal: AbortSignal;
}>;

/** Asks through the gateway. Throws UnknownServiceError, ServiceNotRunningError, GatewayNotRunningError, NothingToVerifyError, InterruptedError. */
export async function verifyInStack(question: StackQuestion): Promise<Conformance> {
  const { engine, stack, service: name, signal } = question;
  const names = stack.services.map((each) => each.name);
  const service = stack.services.find((each) => each.name === name);
  if (service === undefined) throw new UnknownServiceError(name, names);
  if (service.kind === "container" && service.port === undefined)
    throw new NothingToVerifyError(name);
  const findings = await withGateway(engine, stack.name, async (link) => {
    const container = await containerOf(question, service);
    const upstream = addressOf(service, container?.name ?? "");
    if (upstream === undefined) throw new NothingToVerifyError(name);
    const subject = subjectOf(service, upstream);
    const running = await verifyService(subject, visitThroughGateway({ link, upstream, signal }));
    if (signal.aborted || !question.copy || service.kind === "external" || container === undefined)
      return running;
    const original = { engine, link, stack: stack.name, service, container, signal };
    const copied: readonly Finding[] = await examineFreshCopy(original, subject);
    return [...running, ...copied];
  });
  if (signal.aborted) throw new InterruptedError();
  return conformanceOf(name, findings);
}

async function containerOf({ engine, stack }: StackQuestion, { kind, name }: Service) {
  if (kind === "external") return undefined;
  const { containers } = await engine.observe(stack.name, []);
  return runningContainer(containers, name);
}

function addressOf(service: Service, container: string): Upstream | undefined {
  return service.kind === "external" ? externalUpstream(service) : upstreamOf(service, container);
}

/** What the stack claims for a service. */
export function subjectOf(service: Service, upstream: Upstream): Subject {
  const { metadata, dialects, streamUsage } = service;
  return {
    name: service.name,
    provides: service.provides,
    models: service.models,
    apiPath: upstream.api_path,
    probe: upstream.probe,
    native: isNative(service),
    ...(streamUsage !== undefined && { streamUsage }),
    ...(dialects && { dialects }),
    ...(metadata?.ui?.options && { options: metadata.ui.options }),
  };
}

/** Asked as the contract says, and not an image that the catalog found such a probe for. */
function isNative(service: Service): boolean {
  if (service.kind === "external" || service.probe === undefined) return false;
  const { path, json, status } = service.probe;
  const isAskedSo = path === "/readyz" && json === undefined && status.join() === "200";
  return isAskedSo && (service.image.kind === "build" || service.template === undefined);
}
