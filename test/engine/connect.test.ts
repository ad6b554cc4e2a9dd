import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { connectEngine, resolveEndpoint } from "../../src/engine/connect.ts";
import {
  ContextNotFoundError,
  DockerConfigError,
  EngineUnreachableError,
  InsecureEndpointError,
  TlsMaterialError,
} from "../../src/engine/errors.ts";
import { startFakeEngine } from "./fake-engine.ts";

let home = "";

beforeEach(async () => {
  home = await mkdtemp(path.join(tmpdir(), "nexus-home-"));
});

afterEach(async () => rm(home, { recursive: true }));

async function writeFileIn(folder: string, name: string, content: string): Promise<void> {
  await mkdir(path.join(home, folder), { recursive: true });
  await writeFile(path.join(home, folder, name), content);
}

async function writeContext(
  name: string,
  docker: Readonly<Record<string, unknown>>,
): Promise<string> {
  const id = createHash("sha256").update(name).digest("hex");
  const meta = JSON.stringify({ Name: name, Metadata: {}, Endpoints: { docker } });
  await writeFileIn(`.docker/contexts/meta/${id}`, "meta.json", meta);
  return id;
}

const resolve = async (environment: Readonly<Record<string, string>>, context?: string) =>
  (await resolveEndpoint({ environment, home, ...(context === undefined ? {} : { context }) }))
    .endpoint;

describe("resolving the endpoint", () => {
  test("the current context of config.json leads to its socket", async () => {
    await writeFileIn(".docker", "config.json", JSON.stringify({ currentContext: "colima" }));
    await writeContext("colima", { Host: "unix:///colima.sock" });

    expect(await resolve({})).toEqual({
      address: { kind: "unix", path: "/colima.sock" },
      url: "unix:///colima.sock",
      source: "context colima",
      warnings: [],
    });
  });

  test("a context brings its TLS files", async () => {
    const id = await writeContext("far", { Host: "tcp://far:2376" });
    await writeFileIn(`.docker/contexts/tls/${id}/docker`, "ca.pem", "CA");
    await writeFileIn(`.docker/contexts/tls/${id}/docker`, "cert.pem", "CERT");

    const { address } = await resolve({ DOCKER_CONTEXT: "far" });

    expect(address).toMatchObject({
      host: "far",
      tls: { verify: true, ca: Buffer.from("CA"), cert: Buffer.from("CERT") },
    });
  });

  test("a context may leave the certificate unchecked", async () => {
    await writeContext("far", { Host: "tcp://far:2376", SkipTLSVerify: true });

    expect(await resolve({}, "far")).toMatchObject({ address: { tls: { verify: false } } });
  });

  test("an unknown context is refused, naming those there are", async () => {
    await writeContext("colima", { Host: "unix:///colima.sock" });

    const failure = await resolve({}, "colma").catch((error: unknown) => error);

    expect(failure).toBeInstanceOf(ContextNotFoundError);
    expect(failure).toHaveProperty("remedy", expect.stringContaining("default, colima"));
  });

  test("DOCKER_TLS_VERIFY takes its files from DOCKER_CERT_PATH, and misses them loudly", async () => {
    const environment = {
      DOCKER_HOST: "tcp://far:2376",
      DOCKER_TLS_VERIFY: "yes",
      DOCKER_CERT_PATH: path.join(home, "certs"),
    };
    await expect(resolve(environment)).rejects.toThrow(TlsMaterialError);
    await writeFileIn("certs", "ca.pem", "CA");

    expect(await resolve(environment)).toMatchObject({
      address: { tls: { verify: true, ca: Buffer.from("CA") } },
    });
  });

  test("TCP without TLS to another machine is refused", async () => {
    await expect(resolve({ DOCKER_HOST: "tcp://far:2375" })).rejects.toThrow(InsecureEndpointError);
  });

  test("a configuration that is not JSON is named", async () => {
    await writeFileIn(".docker", "config.json", "{");

    await expect(resolve({})).rejects.toThrow(DockerConfigError);
  });

  test("DOCKER_CONFIG moves the configuration", async () => {
    await writeFileIn(
      "elsewhere",
      "config.json",
      JSON.stringify({ HttpHeaders: { "X-Meta": "1" } }),
    );

    const { configuration } = await resolveEndpoint({
      home,
      environment: { DOCKER_CONFIG: path.join(home, "elsewhere") },
    });

    expect(configuration.HttpHeaders).toEqual({ "X-Meta": "1" });
  });
});

test("settings that contradict each other are told before anything is connected to", async () => {
  const warnings: string[] = [];
  const environment = { DOCKER_HOST: `unix://${home}/none.sock`, DOCKER_CONTEXT: "far" };
  const connecting = connectEngine({ environment, home, onWarning: (text) => warnings.push(text) });

  await expect(connecting).rejects.toThrow(EngineUnreachableError);
  expect(warnings).toEqual([expect.stringContaining("DOCKER_HOST wins")]);
});

test("certificates that DOCKER_CERT_PATH promises are nothing to an engine that needs none", async () => {
  await using fake = await startFakeEngine(() => false);
  vi.stubEnv("DOCKER_HOST", "tcp://far:2376");
  vi.stubEnv("DOCKER_CERT_PATH", path.join(home, "none"));
  await writeContext("near", { Host: `unix://${fake.socketPath}` });

  const engine = await connectEngine({ environment: {}, context: "near", home });

  expect(await engine.describe()).toMatchObject({ apiVersion: "1.41" });
  expect(process.env["DOCKER_HOST"]).toBe("tcp://far:2376");
  engine.close();
  vi.unstubAllEnvs();
});

describe("an engine that is not there", () => {
  test("is told from one that died", async () => {
    const socket = path.join(home, "none.sock");
    const connecting = connectEngine({
      environment: { DOCKER_HOST: `unix://${socket}`, XDG_RUNTIME_DIR: home },
      home,
    });

    await expect(connecting).rejects.toThrow(EngineUnreachableError);
    await expect(connecting).rejects.toThrow(`${socket} (DOCKER_HOST): the socket does not exist`);
  });
});
