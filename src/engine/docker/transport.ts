/** Connections to an engine, whatever it listens on, for Node's HTTP client. */
import http from "node:http";
import type { ClientRequestArgs } from "node:http";
import net from "node:net";
import type { Duplex } from "node:stream";
import tls from "node:tls";
import type { Address } from "../endpoint.ts";
import { SshConnection } from "./ssh.ts";

const connectTimeoutMs = 5000;

/**
 * Makes the agent through which every call to `address` goes; a connection that is not made within 5 s fails with ETIMEDOUT.
 * TLS and ssh are this agent's matter, so that the layers above speak plain HTTP.
 */
export function openTransport(address: Address): http.Agent {
  return new EngineAgent(address);
}

class EngineAgent extends http.Agent {
  readonly #address: Address;

  constructor(address: Address) {
    // A new ssh login per call would cost seconds; on local sockets keeping connections gains nothing.
    super({ keepAlive: address.kind === "ssh" });
    this.#address = address;
  }

  override createConnection(_options: ClientRequestArgs): Duplex {
    if (this.#address.kind === "ssh") return new SshConnection(this.#address);
    const [socket, ready] = dial(this.#address);
    const timer = setTimeout(() => socket.destroy(timedOut()), connectTimeoutMs);
    socket.once(ready, () => clearTimeout(timer));
    socket.once("close", () => clearTimeout(timer));
    return socket;
  }
}

function dial(
  address: Exclude<Address, { kind: "ssh" }>,
): readonly [net.Socket, "connect" | "secureConnect"] {
  if (address.kind !== "tcp") return [net.connect({ path: address.path }), "connect"];
  const { host, port } = address;
  if (address.tls === undefined) return [net.connect({ host, port }), "connect"];
  const { verify, ...material } = address.tls;
  const servername = net.isIP(host) === 0 ? { servername: host } : {};
  return [
    tls.connect({ host, port, ...servername, ...material, rejectUnauthorized: verify }),
    "secureConnect",
  ];
}

const timedOut = () => Object.assign(new Error("connect timed out"), { code: "ETIMEDOUT" });
