/** Runs the benchmarks on the bed and writes their tables, with the machine and the command, to bench/RESULTS.md. */
import { cpus, totalmem } from "node:os";
import { benchCliStart } from "./cli-start.ts";
import { writeSection } from "./report.ts";
import { benchUp } from "./up.ts";

const machine = `${cpus().length} × ${cpus()[0]?.model.trim() ?? "CPU"}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}, ${process.platform}`;
const start = await benchCliStart();
const up = await benchUp();

const text = `Machine: ${machine}. Command: \`npm run bench\`. The machine is shared, so read the ratios, not the milliseconds.

## Starting the command line

Budget: \`nexus --version\` within 3 × and \`nexus status\` within 6 × the user CPU of \`node -e 0\`.

${start}

## Bringing a stack up, images present

Floor: the same network, containers and starts in one pipeline (8 in flight) straight to the Engine API, until the gateway
answers; \`nexus up\` is the whole process, from start to exit. Budget: 1.3 × the floor; \`up\` again under 600 ms.

${up}`;
await writeSection("command line", text);
process.stdout.write(`${text}\n`);
