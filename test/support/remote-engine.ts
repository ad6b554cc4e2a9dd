/** An engine on another machine, as far as the command line can tell: its own network, TLS with client certificates, ssh. */
import { randomInt } from "node:crypto";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type PrivateEngine, startSecondEngine } from "../bed/bed.ts";
import { namespace } from "../bed/places.ts";
import { run } from "../bed/processes.ts";

/** The engine, and the files with which it is reached. */
export type RemoteEngine = Readonly<{
  engine: PrivateEngine;
  /** `tcp://…:2376`; it answers only those whose certificate its authority signed. */
  url: string;
  /** Folder with ca.pem, cert.pem and key.pem of a client. */
  certificates: string;
  /** A Docker configuration folder that knows the engine as a context. */
  configuration: string;
  /** Name of that context. */
  context: string;
  /** A PATH whose `ssh` leads to this engine and nowhere else. */
  sshPath: string;
  /** What that `ssh` was called with, one call a line. */
  logins: string;
  [Symbol.asyncDispose]: () => Promise<void>;
}>;

/** Starts it, about 3 s: its published ports are its own machine's, and only its API can be reached from here. */
export async function startRemoteEngine(): Promise<RemoteEngine> {
  const folder = await mkdtemp(join(tmpdir(), "nexus-remote-"));
  const [here, there] = freshAddresses();
  const certificates = join(folder, "certificates");
  await mkdir(certificates);
  issueCertificates(certificates, there);
  const engine = await startSecondEngine({ args: listenWithTls(certificates) });
  layCable(engine, here, there);
  const url = `tcp://${there}:2376`;
  return {
    engine,
    url,
    certificates,
    configuration: await writeContext(folder, { name: "far", url, certificates }),
    context: "far",
    sshPath: `${await writeSsh(folder, engine.socketPath)}:${process.env["PATH"] ?? ""}`,
    logins: join(folder, "logins"),
    [Symbol.asyncDispose]: async () => {
      await engine[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Two addresses that see each other and nothing else, from the range for bench tests (RFC 2544). */
function freshAddresses(): readonly [string, string] {
  const network = `198.18.${randomInt(256)}`;
  const first = 4 * randomInt(64);
  return [`${network}.${first + 1}`, `${network}.${first + 2}`];
}

const newKey = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2".split(" ");

function issueCertificates(folder: string, address: string): void {
  const at = (file: string) => join(folder, file);
  const issue = (file: string, subject: string, ...more: string[]) => {
    const key = at(file.replace("cert", "key").replace("ca.", "ca-key."));
    const names = ["-subj", `/CN=${subject}`, "-keyout", key, "-out", at(file)];
    run(["openssl", "req", "-x509", ...newKey, ...names, ...more]);
  };
  const signed = ["-CA", at("ca.pem"), "-CAkey", at("ca-key.pem")];
  const leaf = ["-addext", "basicConstraints=critical,CA:FALSE"];
  issue("ca.pem", "authority");
  issue("cert.pem", "client", ...signed, ...leaf, "-addext", "extendedKeyUsage=clientAuth");
  const server = ["-addext", "extendedKeyUsage=serverAuth"];
  issue("server-cert.pem", "engine", ...signed, ...leaf, ...server, ...named(address));
}

const named = (address: string) => ["-addext", `subjectAltName=IP:${address}`];

function listenWithTls(certificates: string): readonly string[] {
  const tls = { tlscacert: "ca.pem", tlscert: "server-cert.pem", tlskey: "server-key.pem" };
  const files = Object.entries(tls).map(([flag, file]) => `--${flag}=${join(certificates, file)}`);
  return ["-H", "tcp://0.0.0.0:2376", "--tlsverify", ...files];
}

/** A pair of virtual Ethernet devices; they go with the engine's namespace. */
function layCable({ enter }: PrivateEngine, here: string, there: string): void {
  const farNamespace = String(enter[1]).replace(/^--net=\/run\/netns\//, "");
  const device = `c${farNamespace.slice(-8).replace("-", "")}`;
  const pair = ["type", "veth", "peer", "name", "far0", "netns", farNamespace];
  run(["ip", "-n", namespace, "link", "add", device, ...pair]);
  for (const [where, name, address] of [
    [namespace, device, here],
    [farNamespace, "far0", there],
  ] as const) {
    run(["ip", "-n", where, "address", "add", `${address}/30`, "dev", name]);
    run(["ip", "-n", where, "link", "set", name, "up"]);
  }
}

/** Writes a context as `docker context create` does. */
async function writeContext(
  folder: string,
  { name, url, certificates }: Readonly<{ name: string; url: string; certificates: string }>,
): Promise<string> {
  const configuration = join(folder, "docker");
  const id = createHash("sha256").update(name).digest("hex");
  const meta = join(configuration, "contexts/meta", id);
  const tls = join(configuration, "contexts/tls", id, "docker");
  for (const path of [meta, tls]) await mkdir(path, { recursive: true });
  const Endpoints = { docker: { Host: url, SkipTLSVerify: false } };
  await writeFile(join(meta, "meta.json"), JSON.stringify({ Name: name, Metadata: {}, Endpoints }));
  for (const file of ["ca.pem", "cert.pem", "key.pem"]) run(["cp", join(certificates, file), tls]);
  return configuration;
}

/** An `ssh` that does what `docker system dial-stdio` does at its far end. */
async function writeSsh(folder: string, engineSocket: string): Promise<string> {
  const bin = join(folder, "bin");
  await mkdir(bin);
  const program = [
    `#!${process.execPath}`,
    `const words = process.argv.slice(2).join(" ");`,
    `require("node:fs").appendFileSync(${JSON.stringify(join(folder, "logins"))}, words + "\\n");`,
    `const socket = require("node:net").connect(${JSON.stringify(engineSocket)});`,
    "process.stdin.pipe(socket).pipe(process.stdout);",
  ];
  await writeFile(join(bin, "ssh"), `${program.join("\n")}\n`);
  await chmod(join(bin, "ssh"), 0o755);
  return bin;
}
