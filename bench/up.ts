/** `nexus up` against the floor: the same network, containers and starts sent straight to the Engine API. */
import { stackFolder } from "../test/support/cli.ts";
import { imageOfGateway, measureFloor, type Services } from "./floor.ts";
import { markdownTable, median, repeat } from "./measure.ts";

const pause = "nexus-test/pause:1";
const web = { image: "nexus-test/web:1", port: 9000 };

/** What is measured, and in how many rounds. */
const sizes: readonly Readonly<Services & { rounds: number }>[] = [
  { count: 1, image: pause, rounds: 5 },
  { count: 5, image: pause, rounds: 5 },
  { count: 5, ...web, rounds: 5 },
  { count: 20, image: pause, rounds: 3 },
  { count: 50, image: pause, rounds: 3 },
];

/** Measures every size, or those with this many services; images are present before anything is timed. */
export async function benchUp(only?: number): Promise<string> {
  const rows: string[][] = [];
  for (const { rounds, ...services } of sizes) {
    if (only !== undefined && only !== services.count) continue;
    const pairs = await repeat(rounds, () => measurePair(services));
    const middle = (of: keyof Pair) => median(pairs.map((pair) => pair[of]));
    rows.push([
      `${services.count}${services.port === undefined ? "" : " with HTTP"}`,
      seconds(middle("up")),
      seconds(middle("floor")),
      `${median(pairs.map(({ up, floor }) => up / floor)).toFixed(2)} ×`,
      `${middle("again").toFixed(0)} ms`,
    ]);
  }
  return markdownTable(
    ["services (and the gateway)", "`nexus up`", "floor", "ratio", "`nexus up` again"],
    rows,
  );
}

const seconds = (milliseconds: number) => `${(milliseconds / 1000).toFixed(2)} s`;

type Pair = Readonly<{ up: number; again: number; floor: number }>;

/** One after the other, so that a slow moment of the machine meets both. */
async function measurePair(services: Services): Promise<Pair> {
  const port = services.port === undefined ? "" : `, port: ${services.port}`;
  const line = (index: number) => `  s${index}: { image: "${services.image}"${port} }`;
  await using stack = await stackFolder(
    Array.from({ length: services.count }, (_, index) => line(index)).join("\n"),
  );
  const up = await timed(() => stack.must("up"));
  const again = await timed(() => stack.must("up"));
  const gatewayImage = await imageOfGateway(stack.name);
  await stack.must("down", "--volumes", "--yes");
  return { up, again, floor: await measureFloor(services, gatewayImage) };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const since = performance.now();
  await work();
  return performance.now() - since;
}
