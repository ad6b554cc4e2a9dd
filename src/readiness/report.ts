/** What the gateway says of an upstream, as it comes off the wire. */
import type { ProbeReport } from "../gateway/protocol.ts";

/** True for a progress line of `watch`. */
export function isProbeReport(value: unknown): value is ProbeReport {
  return (
    typeof value === "object" && value !== null && "state" in value && "progress_token" in value
  );
}
