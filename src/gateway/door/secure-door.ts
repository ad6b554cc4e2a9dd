/** Lets connections in to the API: as they come, or through TLS once there is a certificate. */
import type { Server } from "node:http";
import type { Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { Failure } from "../api/failure.ts";
import type { GatewayMetrics } from "../metrics/gateway-metrics.ts";
import type { DoorLimits } from "../settings.ts";
import type { Log } from "../metrics/log.ts";
import { Certificates } from "./certificate.ts";
import { plainAnswer } from "./malformed.ts";

/** The first byte of every TLS connection: the content type of a handshake record, RFC 8446, section 5.1. */
const handshake = 0x16;

type DoorOptions = Readonly<{
  limits: DoorLimits;
  folder: string;
  metrics: Pick<GatewayMetrics, "malformed">;
  log: Log;
}>;

/** Puts the door in front of a server that does not listen yet; the certificates decide from then on who gets in how. */
export function secureDoor(
  api: Server,
  { limits, folder, metrics, log }: DoorOptions,
): Certificates {
  // Node's own listener, which takes any stream: https://nodejs.org/api/http.html#event-connection
  const serve = api.listeners("connection");
  const enter = (socket: Socket) => {
    for (const listener of serve) listener.call(api, socket);
  };
  const protocol = { minVersion: "TLSv1.2", ALPNProtocols: ["http/1.1"] } as const;
  const tls = createTlsServer({ ...protocol, handshakeTimeout: limits.headMs }, (socket) => {
    // From here on as without TLS: what a client has yet to be told outlives its last word.
    socket.allowHalfOpen = true;
    enter(socket);
  });
  tls.on("tlsClientError", (_error, socket) => {
    metrics.malformed(400);
    socket.destroy();
  });
  const certificates = new Certificates({
    folder,
    log,
    use: ({ certificate, key }) => {
      tls.setSecureContext({ ...protocol, cert: certificate, key });
    },
  });
  api.removeAllListeners("connection");
  api.on("connection", (socket: Socket) => {
    const { kind } = certificates.state;
    if (kind === "plain") enter(socket);
    else if (kind === "closed") socket.destroy();
    else askWhich(socket, limits.headMs, () => tls.emit("connection", socket));
  });
  return certificates;
}

/** Plain HTTP at a port that speaks TLS gets an answer that its client can read. */
function askWhich(socket: Socket, patienceMs: number, secure: () => void): void {
  // Node's HTTP server leaves it half open, as which TLS would not notice that a client left during the handshake.
  socket.allowHalfOpen = false;
  const impatience = setTimeout(() => socket.destroy(), patienceMs);
  const giveUp = () => socket.destroy();
  socket.once("error", giveUp);
  socket.once("close", () => clearTimeout(impatience));
  socket.once("data", (first: Buffer) => {
    clearTimeout(impatience);
    socket.pause();
    if (first[0] !== handshake) return void socket.end(plainAnswer(plainHttp()), giveUp);
    socket.off("error", giveUp);
    socket.unshift(first);
    secure();
  });
}

/** The failure of what came as plain HTTP where there is a certificate. */
export function plainHttp(): Failure {
  const message = "This port speaks HTTPS: the address begins with https://.";
  return { status: 400, code: "https_required", message, fault: "client" };
}
