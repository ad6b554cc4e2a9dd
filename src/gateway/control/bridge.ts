/** The inside end of `exec … gateway.mjs control` and `… api`: stdin and stdout become a connection to the gateway. */
import { createConnection, type NetConnectOpts, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

const pauseMs = 50;

/** Bridges until either side hangs up and returns the exit code: 0, or 1 with a line on stderr when nobody listens. */
export async function bridge(door: NetConnectOpts, patienceMs: number): Promise<number> {
  const socket = await connectPatiently(door, patienceMs);
  if (!socket) {
    const name = "path" in door ? `control socket ${door.path}` : `port ${door.port}`;
    process.stderr.write(`The gateway's ${name} did not accept a connection.\n`);
    return 1;
  }
  process.stdin.pipe(socket);
  socket.pipe(process.stdout);
  return new Promise((resolve) => {
    socket.once("error", () => resolve(1));
    socket.once("close", (hadError) => resolve(hadError ? 1 : 0));
  });
}

/** The gateway may be starting: an absent or silent socket is tried again for a while. */
async function connectPatiently(
  door: NetConnectOpts,
  patienceMs: number,
): Promise<Socket | undefined> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const socket = await connect(door);
    if (socket || performance.now() > deadline) return socket;
    await delay(pauseMs);
  }
}

function connect(door: NetConnectOpts): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection(door);
    socket.once("error", () => resolve(undefined));
    socket.once("connect", () => {
      socket.removeAllListeners("error");
      resolve(socket);
    });
  });
}
