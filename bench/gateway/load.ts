/** The load generator, in a process of its own: each message asks for one piece of work and is answered with what came of it. */
import { Connection, requestBytes, type Reading, type Target } from "./client.ts";

/** Work for the load generator; every kind is bounded by a count. */
export type Work = Readonly<
  | { kind: "requests"; target: Target; body: string; connections: number; count: number }
  | { kind: "streams"; target: Target; body: string; connections: number }
  /** One request at a time, the targets taking turns. */
  | { kind: "turns"; targets: readonly Target[]; body: string; count: number }
  /** A large body beside small requests, of which the longest wait is told. */
  | { kind: "beside"; target: Target; body: string; large: string }
>;

/** What came of it; times in milliseconds. */
export type Outcome = Readonly<{
  answers: number;
  failures: number;
  reads: number;
  wallMs: number;
  /** Times to the first byte: for `turns` one list a target, for `beside` one list with and one without the large body. */
  firstByteMs: readonly (readonly number[])[];
}>;

process.on("message", (work: Work) => {
  void carryOut(work).then((outcome) => process.send?.(outcome));
});
process.once("disconnect", () => process.exit(0));

function carryOut(work: Work): Promise<Outcome> {
  switch (work.kind) {
    case "requests":
      return requests(work);
    case "streams":
      return streams(work);
    case "turns":
      return turns(work);
    case "beside":
    default:
      return beside(work);
  }
}

async function requests({ target, body, connections, count }: Of<"requests">): Promise<Outcome> {
  const request = requestBytes(target, body);
  const readings: Reading[] = [];
  const since = performance.now();
  const work = async () => {
    const connection = await Connection.open(target);
    while (readings.length + connections <= count) readings.push(await connection.ask(request));
    connection.close();
  };
  await Promise.all(Array.from({ length: connections }, work));
  return summary(readings, since);
}

/** Opens every connection first, so that all streams run at once. */
async function streams({ target, body, connections }: Of<"streams">): Promise<Outcome> {
  const request = requestBytes(target, body);
  const open: Connection[] = [];
  for (let index = 0; index < connections; index += 1) open.push(await Connection.open(target));
  const since = performance.now();
  const readings = await Promise.all(open.map((connection) => connection.ask(request)));
  for (const connection of open) connection.close();
  return summary(readings, since);
}

async function turns({ targets, body, count }: Of<"turns">): Promise<Outcome> {
  const asked = await Promise.all(
    targets.map(async (target) => ({
      connection: await Connection.open(target),
      request: requestBytes(target, body),
    })),
  );
  const all = targets.map((): Reading[] => []);
  const since = performance.now();
  for (let turn = 0; turn < count; turn += 1) {
    for (const [index, { connection, request }] of asked.entries()) {
      all[index]?.push(await connection.ask(request));
    }
  }
  for (const { connection } of asked) connection.close();
  return { ...summary(all.flat(), since), firstByteMs: all.map(times) };
}

async function beside({ target, body, large }: Of<"beside">): Promise<Outcome> {
  const request = requestBytes(target, body);
  const upload = requestBytes(target, large);
  const small = await Connection.open(target);
  const alone: Reading[] = [];
  const since = performance.now();
  for (let turn = 0; turn < 200; turn += 1) alone.push(await small.ask(request));
  const other = await Connection.open(target);
  const uploading = other.ask(upload);
  const state = { uploading: true };
  void uploading.then(() => (state.uploading = false));
  const crowded: Reading[] = [];
  while (state.uploading) crowded.push(await small.ask(request));
  small.close();
  other.close();
  const uploaded = await uploading;
  return {
    ...summary([...alone, ...crowded, uploaded], since),
    firstByteMs: [times(alone), times(crowded)],
  };
}

type Of<Kind extends Work["kind"]> = Extract<Work, { kind: Kind }>;

function times(readings: readonly Reading[]): number[] {
  return readings.map(({ firstByteMs }) => firstByteMs);
}

function summary(readings: readonly Reading[], since: number): Outcome {
  const answers = readings.filter(({ status, done }) => done && status === 200);
  return {
    answers: answers.length,
    failures: readings.length - answers.length,
    reads: answers.reduce((sum, { reads }) => sum + reads, 0),
    wallMs: performance.now() - since,
    firstByteMs: [],
  };
}
