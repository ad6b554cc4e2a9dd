/** The inside end of `exec … gateway.mjs control`: stdin and stdout become the control socket. */
import { createConnection, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

const pauseMs = 50;

/** Bridges until either side hangs up and returns the exit code: 0, or 1 with a line on stderr when nobody listens. */
export async function bridgeControl(path: string, patienceMs: number): Promise<number> {
  const socket = await connectPatiently(path, patienceMs);
  if (!socket) {
    process.stderr.write(`The gateway's control socket ${path} did not accept a connection.\n`);
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
async function connectPatiently(path: string, patienceMs: number): Promise<Socket | undefined> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const socket = await connect(path);
    if (socket || performance.now() > deadline) return socket;
    await delay(pauseMs);
  }
}

function connect(path: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    socket.once("error", () => resolve(undefined));
    socket.once("connect", () => {
      socket.removeAllListeners("error");
      resolve(socket);
    });
  });
}
