/** An engine behind ssh: `docker system dial-stdio` over the system's own ssh, as docker/cli's connhelper does. */
import { spawn } from "node:child_process";
import type { ChildProcessByStdio } from "node:child_process";
import { Duplex } from "node:stream";
import type { Readable, Writable } from "node:stream";
import type { Address } from "../endpoint.ts";

type SshAddress = Extract<Address, { kind: "ssh" }>;

/** The arguments of `ssh` for an engine address; `--` keeps a host from being read as an option. */
export function sshArguments({ host, user, port, socket }: SshAddress): readonly string[] {
  return [
    "-o",
    "ConnectTimeout=30",
    "-T",
    ...(user === undefined ? [] : ["-l", user]),
    ...(port === undefined ? [] : ["-p", String(port)]),
    "--",
    host,
    "docker",
    ...(socket === undefined ? [] : ["--host", `unix://${socket}`]),
    "system",
    "dial-stdio",
  ];
}

/**
 * One connection to a remote engine. Host keys, agents, jump hosts and passphrases are ssh's own business.
 * Fails with code ESSH and ssh's words when ssh ends before it has delivered anything.
 */
export class SshConnection extends Duplex {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  #words = "";
  #delivered = false;

  constructor(address: SshAddress) {
    super();
    this.#child = spawn("ssh", sshArguments(address), { stdio: ["pipe", "pipe", "pipe"] });
    this.#child.stdout.on("data", (chunk: Buffer) => this.#deliver(chunk));
    // An end before the first byte is a failed login: ssh's words, which come with its exit, tell which.
    this.#child.stdout.on("end", () => {
      if (this.#delivered) this.push(null);
    });
    this.#child.stderr.on("data", (chunk: Buffer) => {
      this.#words = `${this.#words}${chunk.toString("utf8")}`.slice(-2000);
    });
    this.#child.stdin.on("error", () => undefined);
    this.#child.on("error", (error) => this.destroy(error));
    this.#child.on("close", (code) => this.#ended(code));
  }

  #deliver(chunk: Buffer): void {
    this.#delivered = true;
    if (!this.push(chunk)) this.#child.stdout.pause();
  }

  #ended(code: number | null): void {
    if (this.#delivered && code === 0) return void this.destroy();
    const words = this.#words.trim();
    const said = words === "" ? `ssh ended with code ${code}` : words;
    this.destroy(Object.assign(new Error(said), { code: this.#delivered ? "ECONNRESET" : "ESSH" }));
  }

  override _read(): void {
    this.#child.stdout.resume();
  }

  override _write(
    chunk: Buffer,
    _encoding: BufferEncoding,
    done: (error?: Error | null) => void,
  ): void {
    this.#child.stdin.write(chunk, (error) => done(error));
  }

  override _final(done: () => void): void {
    this.#child.stdin.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#child.kill();
    done(error);
  }

  // What Node's HTTP agent asks of an idle socket.
  setKeepAlive(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setTimeout(): this {
    return this;
  }

  ref(): this {
    this.#child.ref();
    return this;
  }

  unref(): this {
    this.#child.unref();
    return this;
  }
}
