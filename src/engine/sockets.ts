/** Looking for engines on this machine. */
import { createConnection } from "node:net";

/** Resolves with those of the sockets on which something accepts a connection within 300 ms. */
export async function answeringSockets(sockets: readonly string[]): Promise<readonly string[]> {
  const answers = await Promise.all(sockets.map(accepts));
  return sockets.filter((_, index) => answers[index] === true);
}

async function accepts(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = createConnection({ path });
  socket.setTimeout(300);
  socket.once("connect", () => resolve(true));
  socket.once("error", () => resolve(false));
  socket.once("timeout", () => resolve(false));
  const accepted = await promise;
  socket.destroy();
  return accepted;
}
