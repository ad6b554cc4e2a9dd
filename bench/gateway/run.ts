/** Benchmarks the gateway against its peers and writes the section of bench/RESULTS.md: `npm run bench:gateway [-- --quick]`. */
import { cpus, totalmem } from "node:os";
import { markdownTable, median, repeat } from "../measure.ts";
import { writeSection } from "../report.ts";
import type { Outcome, Work } from "./load.ts";
import { direct, startNexus, startNginx, startPortkey, type Peer } from "./peers.ts";
import { pause, residentMiB, startLoad, startUpstream } from "./processes.ts";
import { compare, row, type Scenario, type Turn } from "./rounds.ts";

const quick = process.argv.includes("--quick");
const rounds = quick ? 1 : 5;
const chunks = 200;

type Run = (work: Work) => Promise<Outcome>;

const bodyOf = (bytes: number, rest: object) =>
  JSON.stringify({ ...rest, messages: [{ role: "user", content: "x".repeat(bytes) }] });

const small = bodyOf(900, { model: "small" });

function requests(name: string, body: string, count: number): Scenario {
  const work = ({ target, name: peer }: Peer) =>
    ({
      kind: "requests",
      target,
      body,
      connections: 16,
      count: peer === "portkey" ? count / 10 : count,
    }) as const;
  return { name, rounds, warmsUp: true, unit: "request", unitsPerAnswer: 1, work };
}

/** Every size brings about the same number of chunks a second, so that each is a read and a write of its own. */
function streams(connections: number): Scenario {
  const everyMs = Math.max(5, connections / 20);
  const pace = { stream: true, user: `${everyMs}-${chunks}` };
  const body = bodyOf(900, { model: "paced", ...pace });
  const name = `${connections.toLocaleString("en")} streams of ${chunks} chunks`;
  const work = ({ target }: Peer) => ({ kind: "streams", target, body, connections }) as const;
  // The largest takes a minute a turn: three rounds of it are a quarter of an hour with everything else.
  const isLong = connections > 1_000;
  const turns = { rounds: isLong ? 3 : rounds, warmsUp: !isLong };
  return { name, ...turns, unit: "chunk", unitsPerAnswer: chunks, work };
}

const requestScenarios = [
  requests("request of 1 KB, answer of 1 KB", small, quick ? 6_000 : 10_000),
  requests(
    "request of 100 KB, answer of 1 KB",
    bodyOf(100_000, { model: "small" }),
    quick ? 1_500 : 3_000,
  ),
  requests(
    "request of 1 KB, answer of 100 KB",
    bodyOf(900, { model: "large" }),
    quick ? 1_500 : 3_000,
  ),
];
const streamScenarios = (quick ? [100] : [100, 1_000, 5_000]).map(streams);

async function costs(peers: readonly Peer[], run: Run): Promise<string> {
  const rows: string[][] = [];
  for (const scenario of requestScenarios) {
    rows.push(row(scenario, await compare(scenario, peers, run), "2.5 ×"));
  }
  for (const scenario of streamScenarios) {
    const turns = await compare(scenario, await streamers(peers, run), run);
    rows.push([...row(scenario, turns, "2 ×")]);
    note(scenario, turns);
  }
  return markdownTable(["work", "nexus", "nginx", "portkey", "nexus / nginx", "budget"], rows);
}

const notes: string[] = [];

function note({ name }: Scenario, turns: ReadonlyMap<string, readonly Turn[]>): void {
  const nexus = turns.get("nexus") ?? [];
  const reads = median(nexus.map(({ readsPerUnit }) => readsPerUnit)).toFixed(2);
  const busy = Math.max(...nexus.map(({ busyMiB }) => busyMiB)).toFixed(0);
  notes.push(`${name}: ${reads} reads a chunk at the client; ${busy} MB resident while they ran.`);
}

/** A peer that cannot stream is left out of the streams, and said to be. */
async function streamers(peers: readonly Peer[], run: Run): Promise<readonly Peer[]> {
  const body = bodyOf(10, { model: "first", stream: true });
  const able: Peer[] = [];
  for (const peer of peers) {
    const { answers } = await run({
      kind: "requests",
      target: peer.target,
      body,
      connections: 1,
      count: 3,
    });
    if (answers > 0) able.push(peer);
    else
      notes.push(
        `${peer.name}: every streaming request fails, with the dependencies that npm installs today.`,
      );
  }
  return able;
}

/** Added time to the first byte of a stream: direct and through each peer in turn, one request at a time. */
async function firstBytes(upstreamPort: number, peers: readonly Peer[], run: Run): Promise<string> {
  const body = bodyOf(900, { model: "first", stream: true });
  const able = await streamers(peers, run);
  const targets = [direct(upstreamPort), ...able.map(({ target }) => target)];
  const count = quick ? 300 : 3_000;
  const { firstByteMs } = await run({ kind: "turns", targets, body, count });
  const [base = [], ...others] = firstByteMs;
  const added = (times: readonly number[], share: number) =>
    `${(percentile(times, share) - percentile(base, share)).toFixed(2)} ms`;
  const rows = others.map((times, index) => [
    able[index]?.name ?? "",
    added(times, 0.5),
    added(times, 0.99),
  ]);
  return markdownTable(["through", "added at p50", "added at p99"], rows);
}

function percentile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? Number.NaN;
}

/** Memory and start of the gateway alone. */
async function footprint(upstreamPort: number, run: Run): Promise<string> {
  const starts = await repeat(rounds, async () => {
    const nexus = await startNexus(upstreamPort);
    await pause(500);
    const idle = residentMiB(nexus.pids());
    const work = streams(1_000).work(nexus);
    const running = run(work);
    await pause(4_000);
    const busy = residentMiB(nexus.pids());
    await running;
    await nexus.stop();
    return { started: nexus.startedMs, idle, busy };
  });
  const middle = (of: "started" | "idle" | "busy") =>
    median(starts.map((one) => one[of])).toFixed(0);
  const rows = [
    ["from spawn to the first answer", `${middle("started")} ms`, "300 ms"],
    ["resident when idle", `${middle("idle")} MB`, "90 MB"],
    ["resident with 1,000 open streams", `${middle("busy")} MB`, "200 MB"],
  ];
  return markdownTable(["the gateway alone", "median", "budget"], rows);
}

/** How long small requests wait while a body of 20 MB passes. */
async function besideLarge(nexus: Peer, run: Run): Promise<string> {
  const large = bodyOf(20_000_000, { model: "small" });
  const work = { kind: "beside", target: nexus.target, body: small, large } as const;
  const outcomes = await repeat(rounds, () => run(work));
  const worst = (index: number) =>
    median(outcomes.map(({ firstByteMs }) => Math.max(...(firstByteMs[index] ?? [0])))).toFixed(1);
  return `The longest wait of a small request beside a request of 20 MB: ${worst(1)} ms (${worst(0)} ms without it).`;
}

const upstream = await startUpstream();
const load = startLoad();
const nexus = await startNexus(upstream.port);
const nginx = await startNginx(upstream.port);
const portkey = await startPortkey(upstream.port);
const peers = [nexus, nginx, portkey].filter((peer) => peer !== undefined);
if (!nginx) notes.push("nginx is not installed here: no ratios.");
if (!portkey) notes.push("Portkey's gateway could not be installed here.");

const table = await costs(peers, load.run);
const times = await firstBytes(upstream.port, peers, load.run);
const delay = await besideLarge(nexus, load.run);
for (const peer of peers) await peer.stop();
const alone = await footprint(upstream.port, load.run);
load.stop();
upstream.stop();

const machine = `${cpus().length} × ${cpus()[0]?.model.trim() ?? "CPU"}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
const text = `Machine: ${machine}. Command: \`npm run bench:gateway${quick ? " -- --quick" : ""}\`. CPU is user and system time of the peer's processes; medians of
${rounds} interleaved rounds. nginx is a plain reverse proxy: one worker, kept-alive upstream connections, no buffering, no access log.

${table}

${times}

${alone}

${delay}

${[...new Set(notes)].map((one) => `- ${one}`).join("\n")}`;
await writeSection("gateway", text);
process.stdout.write(`${text}\n`);
