/** Failures of this room that a user can mend. */
import { exitCodes, NexusError } from "../errors.ts";
import type { StoreKind } from "../stack/stack.ts";
import type { Shortage } from "./disk-book.ts";

/** The gateway understood a request and refused it; `reason` is its own code for that. */
export class GatewayRefusedError extends NexusError {
  readonly code = "NEXUS_GATEWAY_REFUSED";
  readonly remedy = "Correct what it names and try again; `nexus logs gateway` shows its side.";
  readonly exitCode = exitCodes.notReady;
  readonly reason: string;
  /** The gateway's own words. */
  readonly words: string;
  override readonly details: Readonly<Record<string, unknown>>;

  constructor(op: string, reason: string, message: string) {
    super(`The gateway refused ${op}: ${message}`);
    this.reason = reason;
    this.words = message;
    this.details = { op, reason };
  }
}

/** The connection to the gateway ended while it was needed. */
export class GatewayLostError extends NexusError {
  readonly code = "NEXUS_GATEWAY_LOST";
  readonly remedy =
    "Look at `nexus logs gateway` and `nexus status`, then run `nexus up` again: it carries on where this stopped.";
  readonly exitCode = exitCodes.notReady;

  /** `lastWords` is what the process in the gateway's container printed last, if anything. */
  constructor(because: string, lastWords: string) {
    super(`The connection to the gateway ended: ${because}${lastWords ? `\n${lastWords}` : "."}`);
  }
}

/** A model could not be fetched; the message holds the model store's own words. */
export class ModelPullError extends NexusError {
  readonly code = "NEXUS_MODEL_PULL_FAILED";
  readonly remedy: string;
  readonly exitCode = exitCodes.notReady;
  readonly model: string;
  /** The model store's own words. */
  readonly reason: string;
  override readonly details: Readonly<Record<string, unknown>>;

  constructor(
    pulled: Readonly<{ service: string; kind: StoreKind; model: string }>,
    reason: string,
  ) {
    const { service, kind, model } = pulled;
    super(`${service} could not pull the model ${model}: ${reason}`);
    this.model = model;
    this.reason = reason;
    this.details = { service, model, reason };
    this.remedy = `Check the name on ${libraries[kind]} and this machine's way to the internet, then run \`nexus models pull ${model} --service ${service}\`.`;
  }
}

/** Where the models of a kind of store are listed. */
const libraries: Readonly<Record<StoreKind, string>> = {
  ollama: "https://ollama.com/library",
  speaches: "https://huggingface.co/models",
  localai: "https://models.localai.io",
};

/** A model that nobody asks for, with what removing it would free. */
export type SpareModel = Readonly<{ service: string; model: string; sizeBytes: number }>;

/** The engine's disk has no room for a model; told before the disk is full. */
export class ModelRoomError extends NexusError {
  readonly code = "NEXUS_NO_ROOM_FOR_MODEL";
  readonly remedy: string;
  readonly exitCode = exitCodes.resources;
  override readonly details: Readonly<Record<string, unknown>>;

  constructor(
    pulled: Readonly<{ service: string; model: string }>,
    shortage: Shortage,
    spare: readonly SpareModel[],
  ) {
    const { service, model } = pulled;
    const { neededBytes, freeBytes, missingBytes } = shortage;
    const need = neededBytes > 0 ? `it needs ${inGB(neededBytes)} more, ` : "";
    super(
      `The engine's disk has no room for the model ${model} of ${service}: ${need}${inGB(freeBytes)} can be used, ${inGB(missingBytes)} are missing.`,
    );
    this.remedy = roomRemedy(spare);
    this.details = { service, model, ...shortage, spare };
  }
}

/** How many models that could go are named in a sentence; the rest is in the details. */
const namedSpares = 3;

function roomRemedy(spare: readonly SpareModel[]): string {
  const otherwise =
    "free space where the engine keeps its data (`nexus doctor` shows where), then run this again.";
  if (spare.length === 0) return `${otherwise.charAt(0).toUpperCase()}${otherwise.slice(1)}`;
  const named = spare
    .slice(0, namedSpares)
    .map(
      ({ service, model, sizeBytes }) =>
        `\`nexus models rm ${model} --service ${service}\` (${inGB(sizeBytes)})`,
    );
  return `Remove what no stack file asks for: ${named.join(", ")}; or ${otherwise}`;
}

function inGB(bytes: number): string {
  return bytes > 0 && bytes < 1e8
    ? `${Math.max(1, Math.round(bytes / 1e6))} MB`
    : `${(bytes / 1e9).toFixed(1).replace(/\.0$/, "")} GB`;
}

/** A model store refused something else than a pull: listing or removing. */
export class ModelStoreError extends NexusError {
  readonly code = "NEXUS_MODEL_STORE_FAILED";
  readonly remedy: string;
  readonly exitCode = exitCodes.notReady;

  constructor(service: string, doing: string, reason: string) {
    super(`${service} could not ${doing}: ${reason}`);
    this.remedy = `Look at \`nexus status\` and \`nexus logs ${service}\`; \`nexus models ls\` shows what is there.`;
  }
}

/** The engine restarted or shut down while the service was coming up, and stopped its container with it. */
export class StoppedWithEngineError extends NexusError {
  readonly code = "NEXUS_STOPPED_WITH_ENGINE";
  readonly remedy = "Run `nexus up` again: it carries on where this stopped.";
  readonly exitCode = exitCodes.engine;

  constructor() {
    super("The container engine went away while the service was coming up, and stopped it.");
  }
}
