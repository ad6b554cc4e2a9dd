/** A wait in one sentence. Pure. */
import type { WaitState } from "./judge.ts";

/** What is being waited for right now, as people would say it. */
export function describeWait(state: WaitState): string {
  const { target, report, health } = state;
  if (target.oneShot) return "waiting for it to finish";
  if (state.levelSince !== undefined) return "ready, making sure it stays up";
  if (state.proof === "asked") return "asking it a first question";
  if (target.level !== "running" && target.upstream)
    return report?.detail ?? "waiting for a first answer";
  return health && health !== "healthy"
    ? `its health check says ${health}`
    : "waiting for it to run";
}
