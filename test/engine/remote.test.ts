import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { connectEngine } from "../../src/engine/connect.ts";
import { EngineTlsError, EngineUnreachableError } from "../../src/engine/errors.ts";
import { startFakeEngine, startTlsEngine } from "./fake-engine.ts";

const tls = path.join(import.meta.dirname, "tls");
let home = "";

beforeEach(async () => {
  home = await mkdtemp(path.join(tmpdir(), "nexus-remote-"));
});

afterEach(async () => rm(home, { recursive: true }));

describe("an engine behind TLS", () => {
  const material = async () => ({
    cert: await readFile(path.join(tls, "cert.pem")),
    key: await readFile(path.join(tls, "key.pem")),
  });

  test("is reached when its certificate is known", async () => {
    const { cert, key } = await material();
    await using server = await startTlsEngine({ cert, key, ca: cert });
    const certificates = path.join(home, "certs");
    await mkdir(certificates);
    for (const name of ["ca.pem", "cert.pem"]) await writeFile(path.join(certificates, name), cert);
    await writeFile(path.join(certificates, "key.pem"), key);

    const engine = await connectEngine({
      home,
      environment: {
        DOCKER_HOST: `tcp://127.0.0.1:${server.port}`,
        DOCKER_TLS_VERIFY: "1",
        DOCKER_CERT_PATH: certificates,
      },
    });

    expect(await engine.describe()).toMatchObject({ apiVersion: "1.41", local: false });
    engine.close();
  });

  test("is refused when its certificate is not", async () => {
    await using server = await startTlsEngine(await material());
    const environment = { DOCKER_HOST: `https://127.0.0.1:${server.port}` };

    await expect(connectEngine({ home, environment })).rejects.toThrow(EngineTlsError);
  });
});

describe("an engine behind ssh", () => {
  // The system's ssh is found on PATH, so these tests put their own there.
  const before = process.env["PATH"];

  afterEach(() => {
    process.env["PATH"] = before;
  });

  async function installSsh(program: string): Promise<void> {
    await writeFile(path.join(home, "ssh"), `#!${process.execPath}\n${program}`);
    await chmod(path.join(home, "ssh"), 0o755);
    process.env["PATH"] = `${home}:${before}`;
  }

  test("is reached through `docker system dial-stdio`, with one login for many calls", async () => {
    await using fake = await startFakeEngine(() => false);
    const logins = path.join(home, "logins");
    await installSsh(`
      require("node:fs").appendFileSync(${JSON.stringify(logins)}, process.argv.slice(2).join(" ") + "\\n");
      const socket = require("node:net").connect(${JSON.stringify(fake.socketPath)});
      process.stdin.pipe(socket).pipe(process.stdout);
    `);

    const engine = await connectEngine({ home, environment: { DOCKER_HOST: "ssh://me@far:2222" } });
    await engine.describe();
    await engine.describe();
    engine.close();

    expect((await readFile(logins, "utf8")).trim().split("\n")).toEqual([
      "-o ConnectTimeout=30 -T -l me -p 2222 -- far docker system dial-stdio",
    ]);
  });

  test("that cannot be logged in to is told in ssh's own words", async () => {
    await installSsh(`console.error("Host key verification failed."); process.exit(255);`);

    const connecting = connectEngine({ home, environment: { DOCKER_HOST: "ssh://far" } });

    await expect(connecting).rejects.toThrow(EngineUnreachableError);
    await expect(connecting).rejects.toThrow("Host key verification failed.");
  });
});
