/** Which service is meant: one of the stack, or one at an address. */
import type { Engine } from "../engine/engine.ts";
import { exitCodes, NexusError } from "../errors.ts";
import type { Stack } from "../stack/stack.ts";
import { verifyAtAddress } from "./at-address.ts";
import { verifyInStack } from "./in-stack.ts";
import type { Conformance } from "./verify.ts";

/** Neither or both were given. */
export class VerifyWhatError extends NexusError {
  readonly code = "NEXUS_VERIFY_WHAT";
  readonly exitCode = exitCodes.usage;
  readonly remedy =
    "Name a service, as in `nexus verify ollama`, or give an address, as in `nexus verify --url http://localhost:9000`.";
}

/** How the stack and its engine are come by, when they are needed. */
export type Sources = Readonly<{
  loadStack: () => Promise<Readonly<{ stack: Stack }>>;
  connect: () => Promise<Engine>;
  /** Called when a copy could be left behind from now on; aborts when the person wants no more. */
  interruption: () => AbortSignal;
}>;

/** What the flags say beside the service's name. */
export type VerifyFlags = Readonly<{
  url?: string | undefined;
  name?: string | undefined;
  provides?: readonly string[] | undefined;
  model?: readonly string[] | undefined;
  probe?: string | undefined;
  copy: boolean;
}>;

/** A service that can be verified. */
export type Target = Readonly<{ verify: (sources: Sources) => Promise<Conformance> }>;

/** The service that is meant. Throws VerifyWhatError. */
export function serviceOrUrl(service: string | undefined, flags: VerifyFlags): Target {
  const { url, name, provides = [], model: models = [], probe } = flags;
  if (url === undefined) return inStack(service, flags);
  if (service !== undefined) throw new VerifyWhatError(`Both ${service} and ${url} were named.`);
  return { verify: () => verifyAtAddress({ url, name, provides, models, probe }) };
}

const onlyWithUrl = ["name", "probe", "provides", "model"] as const;

function inStack(service: string | undefined, flags: VerifyFlags): Target {
  const strays = onlyWithUrl.filter((flag) => flags[flag] !== undefined).map((flag) => `--${flag}`);
  if (strays.length > 0)
    throw new VerifyWhatError(`${strays.join(", ")} can only be said of an address.`);
  if (service === undefined) throw new VerifyWhatError("No service was named.");
  const { copy } = flags;
  return {
    verify: async ({ loadStack, connect, interruption }) => {
      const { stack } = await loadStack();
      const engine = await connect();
      return verifyInStack({ engine, stack, service, copy, signal: interruption() });
    },
  };
}
