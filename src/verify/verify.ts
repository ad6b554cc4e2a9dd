/** Checks a service against docs/SERVICE_API.md and against what it says of itself. Asks only; changes nothing. */
import { examineContract } from "./contract.ts";
import { examineEndpoints } from "./endpoints/examine.ts";
import { examineOptions } from "./endpoints/options.ts";
import { examineErrors } from "./errors.ts";
import { failed, type Finding, groups, skipped, type Verdict } from "./finding.ts";
import { judgeMoment } from "./honesty.ts";
import { stateOf } from "./readiness.ts";
import { type Scene, setScene } from "./scene.ts";
import { examineStreaming } from "./streaming.ts";
import type { Subject } from "./subject.ts";
import { told, type Visit } from "./visit.ts";

/** What `nexus verify --json` prints. */
export type Conformance = Readonly<{
  /** The service's name, or the address it was asked at. */
  service: string;
  /** No check failed. */
  ok: boolean;
  findings: readonly Finding[];
}>;

/** The checks of a service that runs, in the order of the matrix. */
export async function verifyService(subject: Subject, visit: Visit): Promise<readonly Finding[]> {
  const askReady = () => visit({ method: "GET", path: subject.probe.path, timeoutMs: 5_000 });
  const scene = await setScene(subject, visit);
  const readyz = await askReady();
  const contract = await examineContract(scene, readyz);
  const before = stateOf(readyz, subject.probe);
  if (before !== "ready") return [...contract, ...unready(told(readyz))];
  const endpoints = await examineEndpoints(scene);
  const streaming = await examineStreaming(scene);
  const after = stateOf(await askReady(), subject.probe);
  const moment = judgeMoment({ before, after }, [...endpoints, ...streaming]);
  return [...contract, honesty(moment), ...endpoints, ...(await others(scene)), ...streaming];
}

/** The whole document; `more` are findings that this room's callers came to. */
export function conformanceOf(service: string, all: readonly Finding[]): Conformance {
  const findings = groups.flatMap((group) => all.filter((finding) => finding.group === group));
  return { service, ok: findings.every(({ outcome }) => outcome !== "fail"), findings };
}

async function others(scene: Scene): Promise<readonly Finding[]> {
  return [await examineOptions(scene), ...(await examineErrors(scene))];
}

function honesty(verdict: Verdict): Finding {
  return { group: "honesty", check: "ready means it works", ...verdict };
}

/** A service that says it cannot work is honest, and nothing else of it can be looked at. */
function unready(because: string): readonly Finding[] {
  const rest = ["endpoints", "errors", "streaming"] as const;
  return [
    honesty(failed(`It is not ready: ${because}`)),
    ...rest.map((group) => ({ group, check: "all", ...skipped("It is not ready.") })),
  ];
}
