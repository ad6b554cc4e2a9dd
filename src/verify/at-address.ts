/** Verifies a service at an address: before it is in a stack, or while it is written. */
import { exitCodes, NexusError } from "../errors.ts";
import { probeSchema } from "../gateway/config.ts";
import { visitDirectly } from "./direct.ts";
import type { Subject } from "./subject.ts";
import { type Conformance, conformanceOf, verifyService } from "./verify.ts";

/** The address is not one that HTTP could be spoken to. */
export class InvalidAddressError extends NexusError {
  readonly code = "NEXUS_INVALID_ADDRESS";
  readonly exitCode = exitCodes.usage;
  readonly remedy =
    "Give scheme, host and port, such as `nexus verify --url http://localhost:9000`.";

  constructor(address: string) {
    super(`${address} is not an address of a service.`);
  }
}

/** Nothing answers at the address. */
export class NothingThereError extends NexusError {
  readonly code = "NEXUS_NOTHING_THERE";
  readonly exitCode = exitCodes.notReady;
  readonly remedy: string;

  constructor(address: string, why: string) {
    super(`Nothing answers at ${address}: ${why}.`);
    this.remedy =
      "Start the service first; for one of the stack, name it: `nexus verify <service>`.";
  }
}

/** An address, with what is claimed for what is there. */
export type AddressQuestion = Readonly<{
  url: string;
  name?: string | undefined;
  provides: readonly string[];
  models: readonly string[];
  /** Path that tells its readiness, where it lacks the contract. */
  probe?: string | undefined;
}>;

/** Asks from this machine. Throws InvalidAddressError, NothingThereError. */
export async function verifyAtAddress(question: AddressQuestion): Promise<Conformance> {
  const { url, name, provides, models, probe } = question;
  const address = URL.canParse(url) ? new URL(url) : undefined;
  if (address === undefined || !/^https?:$/.test(address.protocol))
    throw new InvalidAddressError(url);
  const visit = visitDirectly(address);
  const subject: Subject = {
    provides,
    models,
    apiPath: "/v1",
    probe: probeSchema.parse({
      ...(probe === undefined ? {} : { path: probe }),
      models: models.length > 0 ? "openai" : "none",
    }),
    native: probe === undefined,
    ...(name !== undefined && { name }),
  };
  const first = await visit({ method: "GET", path: subject.probe.path, timeoutMs: 10_000 });
  if (first.kind === "silence") throw new NothingThereError(url, first.why);
  return conformanceOf(name ?? address.href, await verifyService(subject, visit));
}
