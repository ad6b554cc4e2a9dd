/** Failures of other rooms as the cause of a service that is not ready. */
import type { NexusError } from "../errors.ts";
import type { Cause } from "./readiness.ts";

/** The cause that passes on what a failure says: its code, words and remedy. */
export function engineCause({ code, message, remedy, exitCode }: NexusError): Cause {
  return { kind: "engine", code, message, remedy, exit: exitCode };
}
