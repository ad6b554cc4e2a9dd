/** Connections to an engine, whatever it listens on, for Node's HTTP client. */
import http from "node:http";
import type { ClientRequestArgs } from "node:http";
import net from "node:net";
import type { Duplex } from "node:stream";
import { inspect } from "node:util";
import type { Address } from "../endpoint.ts";
import { SshConnection } from "./ssh.ts";

const connectTimeoutMs = 5000;

/** A socket under way, and the event that says it is there. */
type Dialled = readonly [net.Socket, "connect" | "secureConnect"];

/**
 * Makes the agent through which every call to `address` goes; a connection that is not made within 5 s fails with ETIMEDOUT.
 * TLS and ssh are this agent's matter, so that the layers above speak plain HTTP.
 */
export async function openTransport(address: Address): Promise<http.Agent> {
  if (address.kind === "ssh")
    // A new ssh login per call would cost seconds; on local sockets keeping connections gains nothing.
    return new EngineAgent(() => new SshConnection(address), { keepAlive: true });
  const dial = await dialer(address);
  return new EngineAgent(() => impatient(dial()), { keepAlive: false });
}

class EngineAgent extends http.Agent {
  readonly #connect: () => Duplex;

  constructor(connect: () => Duplex, options: http.AgentOptions) {
    // The empty server name keeps Node from looking for an IPv6 address in every Host header: TLS is done below.
    const noServerName: object = { servername: "" };
    super({ ...options, ...noServerName });
    this.#connect = connect;
  }

  /** docker-modem describes every request for a debug log, to any depth: sockets, buffers and all, 5 ms a call. */
  [inspect.custom](): string {
    return "EngineAgent";
  }

  override createConnection(_options: ClientRequestArgs): Duplex {
    return this.#connect();
  }
}

async function dialer(address: Exclude<Address, { kind: "ssh" }>): Promise<() => Dialled> {
  if (address.kind !== "tcp") return () => [net.connect({ path: address.path }), "connect"];
  const { host, port } = address;
  if (address.tls === undefined) return () => [net.connect({ host, port }), "connect"];
  const { verify, ...material } = address.tls;
  const servername = net.isIP(host) === 0 ? { servername: host } : {};
  const options = { host, port, ...servername, ...material, rejectUnauthorized: verify };
  // Loading TLS reads all of Node's certificates, which a local socket does not need.
  const tls = await import("node:tls");
  return () => [tls.connect(options), "secureConnect"];
}

function impatient([socket, ready]: Dialled): net.Socket {
  const timer = setTimeout(() => socket.destroy(timedOut()), connectTimeoutMs);
  socket.once(ready, () => clearTimeout(timer));
  socket.once("close", () => clearTimeout(timer));
  return socket;
}

const timedOut = () => Object.assign(new Error("connect timed out"), { code: "ETIMEDOUT" });
