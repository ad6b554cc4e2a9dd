/** Whose turn it is where several gates draw on the same limits. */
import type { Waiter, WaitingLine } from "./waiting-line.ts";

/** A gate as the others see it. */
export interface Contender<Outcome> {
  readonly line: WaitingLine<Outcome>;
  /** Whether its own limit lets one more in, whatever the shared ones say. */
  readonly hasOwnRoom: boolean;
  readonly shared: readonly SharedLimit<Outcome>[];
  /** When each key was last let in here, or at a gate that shares the first of the limits. */
  readonly turns: ReadonlyMap<string, number>;
  admit(waiter: Waiter<Outcome>): void;
}

/** A limit on several gates together, such as those of the services on one GPU. */
export class SharedLimit<Outcome> {
  readonly name: string;
  readonly gates = new Set<Contender<Outcome>>();
  readonly turns = new Map<string, number>();
  limit: number;
  running = 0;

  constructor(name: string, limit: number) {
    this.name = name;
    this.limit = limit;
  }

  get hasRoom(): boolean {
    return this.running < this.limit;
  }

  get queued(): number {
    return [...this.gates].reduce((sum, { line }) => sum + line.size, 0);
  }
}

type Head<Outcome> = Readonly<{
  gate: Contender<Outcome>;
  waiter: Waiter<Outcome>;
  turn: number;
}>;

/** Every gate that can be concerned by a change of these limits: those that share them, and those that share with these. */
export function allAround<Outcome>(
  gate: Contender<Outcome>,
  limits: readonly SharedLimit<Outcome>[],
): ReadonlySet<Contender<Outcome>> {
  const gates = new Set([gate]);
  const found = new Set(limits);
  for (const limit of found) {
    for (const other of limit.gates) {
      gates.add(other);
      for (const further of other.shared) found.add(further);
    }
  }
  return gates;
}

/** Lets in everybody who can be let in at these gates, in turn. */
export function admitInTurn<Outcome>(gates: Iterable<Contender<Outcome>>): void {
  for (let next = nextInTurn(gates); next; next = nextInTurn(gates)) next.gate.admit(next.waiter);
}

/**
 * The one whose key was let in the longest ago, among those that can be let in. Whoever has a place at his own gate
 * and lacks a shared one keeps the others that he needs free: else one who needs two GPUs would never see both idle.
 */
function nextInTurn<Outcome>(gates: Iterable<Contender<Outcome>>): Head<Outcome> | undefined {
  const heads = headsAt(gates).toSorted(
    (a, b) => a.turn - b.turn || a.waiter.order - b.waiter.order,
  );
  const reserved = new Set<SharedLimit<Outcome>>();
  for (const head of heads) {
    const { shared } = head.gate;
    if (shared.every((limit) => limit.hasRoom && !reserved.has(limit))) return head;
    for (const limit of shared) reserved.add(limit);
  }
  return undefined;
}

function headsAt<Outcome>(gates: Iterable<Contender<Outcome>>): Head<Outcome>[] {
  const heads: Head<Outcome>[] = [];
  for (const gate of gates) {
    if (gate.line.size === 0 || !gate.hasOwnRoom) continue;
    for (const waiter of gate.line.heads()) {
      heads.push({ gate, waiter, turn: gate.turns.get(waiter.key) ?? 0 });
    }
  }
  return heads;
}
