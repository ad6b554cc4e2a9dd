import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findCredentials, registryAuthHeader } from "../../src/engine/docker/credentials.ts";
import type { DockerConfiguration } from "../../src/engine/docker-config.ts";
import { CredentialHelperError } from "../../src/engine/errors.ts";

let bin = "";

/** A helper as docker/docker-credential-helpers describes it. */
const helper = `#!/bin/sh
read -r server
case "$1 $server" in
  "get far.example") echo '{"ServerURL":"far.example","Username":"me","Secret":"s3cret"}' ;;
  "get https://index.docker.io/v1/") echo '{"ServerURL":"hub","Username":"<token>","Secret":"t0ken"}' ;;
  "get broken.example") echo 's3cret'; exit 2 ;;
  *) echo 'credentials not found in native keychain'; exit 1 ;;
esac
`;

beforeAll(async () => {
  bin = await mkdtemp(path.join(tmpdir(), "nexus-bin-"));
  await writeFile(path.join(bin, "docker-credential-test"), helper);
  await chmod(path.join(bin, "docker-credential-test"), 0o755);
});

afterAll(async () => rm(bin, { recursive: true }));

const auth = Buffer.from("user:pa:ss").toString("base64");
const find = async (registry: string, configuration: DockerConfiguration, variable = "") =>
  findCredentials(registry, {
    configuration,
    environment: { PATH: `${bin}:${process.env["PATH"]}`, DOCKER_AUTH_CONFIG: variable },
  });

describe("registry credentials", () => {
  test("come from DOCKER_AUTH_CONFIG before everything else", async () => {
    const found = await find(
      "far.example",
      { credsStore: "test" },
      JSON.stringify({ auths: { "far.example": { auth } } }),
    );

    expect(found).toEqual({
      auth: { username: "user", password: "pa:ss", serveraddress: "far.example" },
      source: "DOCKER_AUTH_CONFIG",
    });
  });

  test("come from the registry's own helper, then from the store", async () => {
    const far = {
      auth: { username: "me", password: "s3cret", serveraddress: "far.example" },
      source: "docker-credential-test",
    };

    expect(
      await find("far.example", { credHelpers: { "far.example": "test" }, credsStore: "absent" }),
    ).toEqual(far);
    expect(await find("far.example", { credsStore: "test" })).toEqual(far);
  });

  test("of Docker Hub are filed under its old address, and may be an identity token", async () => {
    expect(await find("docker.io", { credsStore: "test" })).toMatchObject({
      auth: { identitytoken: "t0ken" },
    });
    expect(
      await find("docker.io", { auths: { "https://index.docker.io/v1/": { auth } } }),
    ).toMatchObject({
      auth: { username: "user", serveraddress: "https://index.docker.io/v1/" },
    });
  });

  test("are found in config.json by host, however its key is written", async () => {
    expect(
      await find("far.example", { auths: { "https://far.example/v1/": { auth } } }),
    ).toMatchObject({
      source: "auths in Docker's config.json",
    });
    expect(
      await find("far.example", { auths: { "far.example": { identitytoken: "t" } } }),
    ).toMatchObject({
      auth: { identitytoken: "t" },
    });
  });

  test("that nobody knows are none, and it is said who was asked", async () => {
    expect(await find("other.example", {})).toEqual({ source: "no credentials" });
    expect(await find("other.example", { credsStore: "test" })).toEqual({
      source: "docker-credential-test, which knows none",
    });
  });

  test("cannot be had from a helper that fails or is missing, and its output is not shown", async () => {
    await expect(find("far.example", { credsStore: "absent" })).rejects.toThrow(
      CredentialHelperError,
    );
    const failure = await find("broken.example", { credsStore: "test" }).catch(
      (error: Error) => error,
    );
    expect(failure).toBeInstanceOf(CredentialHelperError);
    expect(JSON.stringify(failure, Object.getOwnPropertyNames(failure))).not.toContain("s3cret");
  });

  test("travel as padded base64url", () => {
    const header = registryAuthHeader({ username: "ü>?", password: "~~~", serveraddress: "x" });

    expect(header).toMatch(/^[\w-]+=*$/);
    expect(header.length % 4).toBe(0);
    expect(JSON.parse(Buffer.from(header, "base64url").toString())).toMatchObject({
      username: "ü>?",
    });
  });
});
