/** Two connections made one: bytes pass both ways, unread, until either side is done. */
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TunnelLimits } from "../settings.ts";

/** Joins a client's connection to an upstream's; resolves when both are closed. `cut` closes them at once. */
export function splice(
  client: Socket,
  upstream: Duplex,
  limits: TunnelLimits,
): Readonly<{ closed: Promise<void>; cut: () => void }> {
  const cut = () => {
    client.destroy();
    upstream.destroy();
  };
  let lingering: NodeJS.Timeout | undefined;
  const linger = () => {
    lingering ??= setTimeout(cut, limits.lingerMs);
  };
  const total = setTimeout(cut, limits.totalMs);
  // Every byte crosses the client's connection, whichever way it goes.
  client.setTimeout(limits.idleMs, cut);
  const sides = [endWith(client, upstream, linger), endWith(upstream, client, linger)];
  client.pipe(upstream).pipe(client);
  const closing = async () => {
    await Promise.all(sides);
    clearTimeout(total);
    clearTimeout(lingering);
  };
  return { closed: closing(), cut };
}

/** Resolves when one side is closed; its end is passed on to the other by the pipe, its failure here. */
function endWith(side: Duplex, other: Duplex, linger: () => void): Promise<void> {
  side.on("error", () => other.destroy());
  side.once("end", linger);
  return new Promise((resolve) => {
    side.once("close", () => {
      // What is still to be written has its time; there is nobody left to read an answer to it.
      linger();
      other.end();
      resolve();
    });
    if (side.destroyed) {
      other.destroy();
      resolve();
    }
  });
}
