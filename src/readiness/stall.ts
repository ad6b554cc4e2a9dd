/** Why a service that showed no progress for too long is not ready. Pure. */
import type { ProbeReport } from "../gateway/protocol.ts";
import type { WaitState } from "./judge.ts";
import type { Cause } from "./readiness.ts";

/** The one cause that explains best what was heard and not heard; the process itself is known to run. */
export function stallCause(state: WaitState): Cause {
  const { target, report, health } = state;
  if (report && report.missing_models.length > 0) {
    const { missing_models: models, detail } = report;
    return {
      kind: "model-missing",
      models,
      detail,
      ...(target.fetchesModels && { fetchable: true }),
    };
  }
  if (health === "unhealthy") return { kind: "unhealthy", detail: report?.detail ?? "" };
  if (!target.upstream) return { kind: "not-ready", detail: silence(state) };
  return state.proof === "asked"
    ? unanswered(target.stallTimeoutMs)
    : probedCause(state, target.upstream.url);
}

function unanswered(patienceMs: number): Cause {
  const detail = `it did not answer a first request within ${seconds(patienceMs)}`;
  return { kind: "request-failed", status: 0, detail };
}

function probedCause({ target, report, bestRank }: WaitState, url: string): Cause {
  if (!report) return { kind: "never-listened", port: portOf(url) };
  if (bestRank > 0) return answeredCause(report, target.stallTimeoutMs);
  return { kind: "never-listened", port: portOf(url), detail: report.detail };
}

function answeredCause({ state, status, detail }: ProbeReport, patienceMs: number): Cause {
  if (state === "loading") {
    const since = `without progress for ${seconds(patienceMs)}`;
    return { kind: "still-loading", detail: `${detail}, ${since}` };
  }
  return { kind: "not-ready", detail, ...(status === undefined ? {} : { status }) };
}

function silence({ target, container, health }: WaitState): string {
  const patience = seconds(target.stallTimeoutMs);
  if (target.oneShot) return `it has not finished, and wrote nothing for ${patience}`;
  if (container?.state === "paused") return "its container is paused";
  if (health === "starting") return `its health check has not passed for ${patience}`;
  return `its container did not run within ${patience}`;
}

function seconds(ms: number): string {
  return ms < 1_000 ? `${ms} ms` : `${Math.round(ms / 1_000)} s`;
}

/** The port of a url, also when it is its scheme's own. */
export function portOf(url: string): number {
  const { port, protocol } = new URL(url);
  return port ? Number(port) : protocol === "https:" ? 443 : 80;
}
