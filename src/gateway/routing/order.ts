/** In which order candidates are asked. Pure: it reads how they are and changes nothing. */
import { createHash } from "node:crypto";
import type { Candidate } from "./route.ts";

/** Candidates in the order to ask them, and why, for `X-Router-Reason`. */
export type Ordered = Readonly<{ candidates: readonly Candidate[]; because: readonly string[] }>;

/** How much more than its share an upstream is given for the sake of what it still remembers of a session. */
const sessionSlack = 1.25;

/**
 * Those who fare badly come last; before them an alias's targets keep their order; among equals a session stays where its
 * prefix is remembered unless that one has too much to do, and whatever has no session goes to the least busy.
 */
export function orderCandidates(
  candidates: readonly Candidate[],
  session: () => string | undefined,
): Ordered {
  if (candidates.length === 1) return { candidates, because: [] };
  const well = candidates.filter(({ monitor }) => !monitor.backend.health.setBack);
  const setBack = candidates.filter((candidate) => !well.includes(candidate));
  const first = well.filter(({ rank }) => rank === well[0]?.rank);
  const balanced = balance(first, session);
  const others = well.slice(first.length);
  const names = new Set(setBack.map(({ monitor }) => monitor.upstream.id));
  return {
    candidates: [...balanced.candidates, ...others, ...setBack],
    because: [
      ...balanced.because,
      ...(names.size > 0 && well.length > 0 ? [`set back: ${[...names].join(", ")}`] : []),
    ],
  };
}

function balance(equals: readonly Candidate[], session: () => string | undefined): Ordered {
  if (equals.length < 2) return { candidates: equals, because: [] };
  const name = session();
  const byLoad = equals.toSorted((a, b) => loadOf(a) - loadOf(b) || idleSince(a) - idleSince(b));
  const ranked = name === undefined ? byLoad : bySession(equals, name);
  const open = ranked.filter(({ monitor }) => monitor.backend.gate.isOpen);
  const candidates = [...open, ...ranked.filter((candidate) => !open.includes(candidate))];
  return { candidates, because: [name === undefined ? "least busy" : "session"] };
}

/** Requests in flight, and the one to come, against the weight that it has. */
function loadOf({ monitor: { backend } }: Candidate): number {
  return (backend.inFlight + 1) / backend.health.weight;
}

/** Equally busy ones take turns. */
function idleSince({ monitor: { backend } }: Candidate): number {
  return backend.lastBegunAt;
}

/** Rendezvous hashing with bounded load: no table to keep, and only the sessions of one that goes or comes move. */
function bySession(equals: readonly Candidate[], session: string): readonly Candidate[] {
  const total = equals.reduce((sum, { monitor }) => sum + monitor.backend.inFlight, 1);
  const weights = equals.reduce((sum, { monitor }) => sum + monitor.backend.health.weight, 0);
  const most = Math.ceil((sessionSlack * total) / weights);
  const ranked = equals
    .map((candidate) => ({ candidate, score: scoreOf(candidate, session) }))
    .toSorted((a, b) => (a.score < b.score ? 1 : -1))
    .map(({ candidate }) => candidate);
  const within = ranked.filter((candidate) => loadOf(candidate) <= most);
  return [...within, ...ranked.filter((candidate) => !within.includes(candidate))];
}

function scoreOf({ monitor, model }: Candidate, session: string): string {
  const place = `${monitor.upstream.id}/${model ?? ""}\n${session}`;
  return createHash("sha1").update(place).digest("hex");
}
