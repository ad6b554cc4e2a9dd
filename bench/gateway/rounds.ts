/** The rounds of the benchmark: in each, every peer does the same work in turn, so that a slow moment of the machine meets all. */
import { median } from "../measure.ts";
import type { Outcome, Work } from "./load.ts";
import type { Peer } from "./peers.ts";
import { cpuSeconds, pause, residentMiB } from "./processes.ts";

/** Something whose cost per unit is compared. */
export type Scenario = Readonly<{
  name: string;
  rounds: number;
  /** Whether a round is made first that does not count. */
  warmsUp: boolean;
  /** What a unit of the work is called. */
  unit: string;
  /** Units that one answer is made of. */
  unitsPerAnswer: number;
  work: (peer: Peer) => Work;
}>;

/** What one peer's turn came to. */
export type Turn = Readonly<{
  /** CPU microseconds of the peer per unit. */
  cpuMicros: number;
  /** Reads per unit at the client: near 1 for streams when no two chunks were joined. */
  readsPerUnit: number;
  failures: number;
  /** Resident memory while the work was under way. */
  busyMiB: number;
}>;

type Run = (work: Work) => Promise<Outcome>;

/** Runs a scenario; the turns of each peer by its name. */
export async function compare(
  scenario: Scenario,
  peers: readonly Peer[],
  run: Run,
): Promise<ReadonlyMap<string, readonly Turn[]>> {
  const turns = new Map(peers.map(({ name }) => [name, [] as Turn[]]));
  if (scenario.warmsUp) for (const peer of peers) await takeTurn(scenario, peer, run);
  for (let round = 0; round < scenario.rounds; round += 1) {
    for (const peer of peers) turns.get(peer.name)?.push(await takeTurn(scenario, peer, run));
  }
  return turns;
}

async function takeTurn(scenario: Scenario, peer: Peer, run: Run): Promise<Turn> {
  const before = cpuSeconds(peer.pids());
  const working = run(scenario.work(peer));
  await Promise.race([working, pause(2_000)]);
  const busyMiB = residentMiB(peer.pids());
  const outcome = await working;
  const cpu = cpuSeconds(peer.pids()) - before;
  const units = outcome.answers * scenario.unitsPerAnswer;
  return {
    cpuMicros: (cpu * 1e6) / units,
    readsPerUnit: outcome.reads / units,
    failures: outcome.failures,
    busyMiB,
  };
}

/** The row of a scenario: each peer's cost, the ratio to nginx, and how many of the requests failed. */
export function row(
  { name, unit }: Scenario,
  turns: ReadonlyMap<string, readonly Turn[]>,
  budget: string,
): string[] {
  const cost = (peer: string) => costOf(turns.get(peer), unit);
  return [name, cost("nexus"), cost("nginx"), cost("portkey"), ratio(turns), budget];
}

function costOf(turns: readonly Turn[] | undefined, unit: string): string {
  if (!turns || turns.length === 0) return "not measured";
  if (turns.every(({ cpuMicros }) => !Number.isFinite(cpuMicros))) return "every request failed";
  const failures = turns.reduce((sum, turn) => sum + turn.failures, 0);
  const cost = `${median(turns.map(({ cpuMicros }) => cpuMicros)).toFixed(1)} µs/${unit}`;
  return failures === 0 ? cost : `${cost}, ${failures} failed`;
}

/** The median of the rounds' own ratios: both sides of each were measured one after the other. */
function ratio(turns: ReadonlyMap<string, readonly Turn[]>): string {
  const nginx = turns.get("nginx");
  const ratios = (turns.get("nexus") ?? []).flatMap(({ cpuMicros }, index) => {
    const other = nginx?.[index]?.cpuMicros;
    return other === undefined ? [] : [cpuMicros / other];
  });
  return ratios.length === 0 ? "–" : `${median(ratios).toFixed(2)} ×`;
}
