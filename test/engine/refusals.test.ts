import { describe, expect, test } from "vitest";
import { readRefusal, takenPort } from "../../src/engine/docker/container-failures.ts";
import { readFailure } from "../../src/engine/docker/failure.ts";
import { readPullFailure } from "../../src/engine/docker/registry-failures.ts";
import { EngineError } from "../../src/engine/errors.ts";

const refused = { name: "home-llm-1", image: "ollama:1" };

describe("what the engine says of a container", () => {
  test.each([
    ['could not select device driver "" with capabilities: [[gpu]]', "NEXUS_GPU_UNAVAILABLE"],
    ["Unknown runtime specified nvidia", "NEXUS_GPU_UNAVAILABLE"],
    [
      "CDI device injection failed: unresolvable CDI devices nvidia.com/gpu=9",
      "NEXUS_GPU_UNAVAILABLE",
    ],
    [
      "nvidia-container-cli: requirement error: unsatisfied condition: cuda>=12.6",
      "NEXUS_GPU_UNAVAILABLE",
    ],
    [
      'error gathering device information while adding custom device "/dev/kfd": no such file or directory',
      "NEXUS_GPU_UNAVAILABLE",
    ],
    [
      'error gathering device information while adding custom device "/dev/snd": no such file or directory',
      "NEXUS_DEVICE_MISSING",
    ],
    ["No such image: x:1", "NEXUS_IMAGE_MISSING"],
    [
      "image with reference x was found but does not match the specified platform: wanted linux/arm64, actual: linux/amd64",
      "NEXUS_IMAGE_PLATFORM",
    ],
    [
      'invalid mount config for type "bind": bind source path does not exist: /nope',
      "NEXUS_BIND_SOURCE_MISSING",
    ],
    [
      "not a directory: unknown: Are you trying to mount a directory onto a file (or vice-versa)?",
      "NEXUS_BIND_SOURCE_MISSING",
    ],
    ["unable to find user nosuch: no matching entries in passwd file", "NEXUS_USER_MISSING"],
    ['exec: "/nope": stat /nope: no such file or directory: unknown', "NEXUS_COMMAND_NOT_FOUND"],
    ['exec: "nope": executable file not found in $PATH: unknown', "NEXUS_COMMAND_NOT_FOUND"],
    ["No command specified", "NEXUS_COMMAND_NOT_FOUND"],
    ["listen tcp4 10.9.9.9:80: bind: cannot assign requested address", "NEXUS_ADDRESS_NOT_LOCAL"],
    ["cannot expose privileged port 80, you can add…", "NEXUS_PORT_PRIVILEGED"],
    ["network 9e5c816d not found", "NEXUS_NETWORK_MISSING"],
    ["network home is ambiguous (2 matches found on name)", "NEXUS_NETWORK_MISSING"],
    ["Minimum memory limit allowed is 6MB", "NEXUS_LIMIT_REFUSED"],
    [
      "Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available",
      "NEXUS_LIMIT_REFUSED",
    ],
    ['sysctl "kernel.nope" is not in a separate kernel namespace', "NEXUS_SETTING_REFUSED"],
    ["No such container: 1234", "NEXUS_CONTAINER_MISSING"],
    ["the moon is in the wrong house", "NEXUS_ENGINE_ERROR"],
  ])("%s", (said, code) => {
    const failure = readRefusal(new EngineError("start", 500, said), refused);

    expect(failure).toMatchObject({ code, remedy: expect.stringMatching(/\w/) });
  });

  test.each([
    [
      "Bind for 127.0.0.1:18997 failed: port is already allocated",
      { address: "127.0.0.1", port: 18_997 },
    ],
    [
      "Error starting userland proxy: listen tcp4 0.0.0.0:80: bind: address already in use",
      { address: "0.0.0.0", port: 80 },
    ],
    [
      "failed to bind host port for 127.0.0.1:8800:172.18.0.2:8800/tcp: address already in use",
      { address: "127.0.0.1", port: 8800 },
    ],
  ])("a port in use is read from: %s", (said, port) => {
    expect(takenPort(new EngineError("start", 500, said))).toEqual(port);
  });
});

describe("what the system says of a connection", () => {
  const context = {
    call: "list containers",
    endpoint: "unix:///x",
    reached: false,
    alternatives: [],
  };
  const failure = (code: string, change = {}) =>
    readFailure(Object.assign(new Error(code), { code }), { ...context, ...change });

  test.each([
    ["ENOENT", "NEXUS_ENGINE_UNREACHABLE", "does not exist"],
    ["ECONNREFUSED", "NEXUS_ENGINE_UNREACHABLE", "died or is still starting"],
    ["ETIMEDOUT", "NEXUS_ENGINE_UNREACHABLE", "no answer within"],
    ["EACCES", "NEXUS_ENGINE_FORBIDDEN", "no permission"],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "NEXUS_ENGINE_TLS", "TLS"],
  ])("%s", (code, nexusCode, words) => {
    expect(failure(code)).toMatchObject({
      code: nexusCode,
      message: expect.stringContaining(words),
    });
  });

  test("is a loss once the engine has been reached", () => {
    expect(failure("ECONNREFUSED", { reached: true })).toMatchObject({ code: "NEXUS_ENGINE_LOST" });
  });

  test("is met with a remedy: the socket that does answer, and never a chmod", () => {
    const alternatives = ["/run/user/1000/docker.sock"];

    expect(failure("ENOENT", { alternatives })).toMatchObject({
      remedy: expect.stringContaining("DOCKER_HOST=unix:///run/user/1000/docker.sock"),
    });
    expect(failure("EACCES")).toMatchObject({ remedy: expect.not.stringContaining("chmod") });
  });

  test("is a bug of ours when it is none of the known", () => {
    const bug = new TypeError("x is not a function");

    expect(readFailure(bug, context)).toBe(bug);
  });
});

describe("what the engine says of a pull", () => {
  const pull = {
    ref: "far/x:1",
    registry: "far",
    tried: "docker-credential-pass",
    platform: "linux/amd64",
  };

  test.each([
    ["toomanyrequests: You have reached your pull rate limit", "NEXUS_RATE_LIMITED"],
    ['Head "https://far/v2/x/manifests/1": no basic auth credentials', "NEXUS_REGISTRY_LOGIN"],
    ["unauthorized: authentication required", "NEXUS_REGISTRY_LOGIN"],
    [
      "pull access denied for x, repository does not exist or may require 'docker login'",
      "NEXUS_REGISTRY_LOGIN",
    ],
    ["manifest for far/x:1 not found: manifest unknown: manifest unknown", "NEXUS_IMAGE_NOT_FOUND"],
    ["no matching manifest for linux/amd64 in the manifest list entries", "NEXUS_IMAGE_PLATFORM"],
    ["received unexpected HTTP status: 500 Internal Server Error", "NEXUS_REGISTRY_UNREACHABLE"],
    ["dial tcp: lookup far: no such host", "NEXUS_REGISTRY_UNREACHABLE"],
    ["write /var/lib/docker/tmp/x: no space left on device", "NEXUS_DISK_FULL"],
    ["filesystem layer verification failed for digest sha256:1", "NEXUS_PULL_FAILED"],
  ])("%s", (said, code) => {
    expect(readPullFailure(said, pull)).toMatchObject({ code });
  });

  test("a refused login says which credentials were tried", () => {
    expect(readPullFailure("unauthorized: x", pull).message).toContain(
      "tried: docker-credential-pass",
    );
  });
});
