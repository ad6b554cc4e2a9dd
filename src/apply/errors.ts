/** The failures that apply itself detects. */
import { exitCodes, NexusError } from "../errors.ts";
import type { Cause } from "../readiness/readiness.ts";
import type { LockOwner } from "./lock.ts";

/** Another process is changing this stack. */
export class StackLockedError extends NexusError {
  readonly code = "NEXUS_STACK_LOCKED";
  readonly exitCode = exitCodes.locked;
  readonly remedy: string;
  override readonly details: Readonly<Record<string, unknown>>;

  constructor(stack: string, owner: LockOwner) {
    super(
      `The stack ${stack} is being changed by \`${owner.command}\` (${owner.user} on ${owner.host}, process ${owner.pid}, since ${owner.since}).`,
    );
    this.remedy = `Wait for it to end, or run \`nexus unlock\` if you know that it is gone.`;
    this.details = { stack, owner };
  }
}

/** The user interrupted before anything was begun, or while the engine was away. */
export class InterruptedError extends NexusError {
  readonly code = "NEXUS_INTERRUPTED";
  readonly exitCode = exitCodes.interrupted;
  readonly remedy = "Run it again: it carries on from what is there then.";

  constructor() {
    super("Interrupted.");
  }
}

/** The plan would destroy something and the user did not say yes. */
export class ConsentRefusedError extends NexusError {
  readonly code = "NEXUS_CONSENT_REFUSED";
  readonly exitCode = exitCodes.usage;
  readonly remedy = "Run it again with `--yes` if that is what you want; nothing was changed.";

  constructor(losses: readonly string[]) {
    super(`This would destroy ${losses.join(", ")}.`);
  }
}

/** The engine accepted a request and did something else. */
export class IntentMismatchError extends NexusError {
  readonly code = "NEXUS_INTENT_MISMATCH";
  readonly exitCode = exitCodes.resources;
  readonly remedy =
    "This engine does not support what the stack file asks for. Run `nexus doctor` to see what it can do, or take the setting out of nexus.yaml.";

  constructor(container: string, differences: readonly string[]) {
    super(
      `The engine accepted ${container} but did not do what was asked: ${differences.join("; ")}.`,
    );
    this.details = { container, differences };
  }

  override readonly details: Readonly<Record<string, unknown>>;
}

/** The gateway's image cannot be made on this machine for that engine. */
export class GatewayImageError extends NexusError {
  readonly code = "NEXUS_GATEWAY_IMAGE";
  readonly exitCode = exitCodes.image;
  readonly remedy: string;

  constructor(message: string, remedy: string) {
    super(message);
    this.remedy = remedy;
  }
}

/** A secret that the stack file names has no file. */
export class SecretMissingError extends NexusError {
  readonly code = "NEXUS_SECRET_MISSING";
  readonly exitCode = exitCodes.usage;
  readonly remedy: string;

  constructor(name: string, file: string) {
    super(`The secret ${name} has no file at ${file}.`);
    this.remedy = `Write the secret into that file and make it yours alone: \`chmod 600 ${file}\`.`;
  }
}

/** Something that the plan counts on is no longer there: the world changed meanwhile. */
export class ObjectGoneError extends NexusError {
  readonly code = "NEXUS_OBJECT_GONE";
  readonly exitCode = exitCodes.conflict;
  readonly remedy =
    "Somebody changed the stack meanwhile. Run `nexus up` again: it starts from what is there now.";

  constructor(kind: string, name: string) {
    super(`The ${kind} ${name} is not there.`);
  }
}

/** Waiting for a service ended without it being at its level; `cause` says why. */
export class NotReadyError extends NexusError {
  readonly code = "NEXUS_NOT_READY";
  readonly exitCode = exitCodes.notReady;
  readonly remedy: string;
  readonly verdict: Cause;

  constructor(service: string, verdict: Cause) {
    super(`${service} did not become ready: ${verdict.kind}.`);
    this.verdict = verdict;
    this.remedy = `Look at \`nexus logs ${service}\` and \`nexus status\`.`;
  }
}
