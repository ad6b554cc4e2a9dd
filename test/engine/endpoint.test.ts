import { describe, expect, test } from "vitest";
import {
  chooseEndpoint,
  parseAddress,
  refusePlainTcp,
  usualSockets,
} from "../../src/engine/endpoint.ts";
import { EndpointInvalidError, InsecureEndpointError } from "../../src/engine/errors.ts";

describe("which engine is meant", () => {
  const environment = { DOCKER_HOST: "unix:///host.sock", DOCKER_CONTEXT: "variable" };

  test("--context counts before everything", () => {
    const choice = chooseEndpoint({ context: "flag", environment, currentContext: "file" });

    expect(choice).toEqual({ kind: "context", name: "flag", source: "--context", warnings: [] });
  });

  test("DOCKER_HOST counts before DOCKER_CONTEXT, with a warning", () => {
    const choice = chooseEndpoint({ environment, currentContext: "file" });

    expect(choice).toMatchObject({ kind: "host", url: "unix:///host.sock", source: "DOCKER_HOST" });
    expect(choice.warnings).toEqual([
      "DOCKER_HOST and DOCKER_CONTEXT (variable) are both set: DOCKER_HOST wins.",
    ]);
  });

  test("DOCKER_CONTEXT counts before the current context of the configuration", () => {
    const choice = chooseEndpoint({
      environment: { DOCKER_CONTEXT: "variable" },
      currentContext: "file",
    });

    expect(choice).toMatchObject({ kind: "context", name: "variable", source: "DOCKER_CONTEXT" });
  });

  test("the current context counts before the default, and `default` is the default", () => {
    expect(chooseEndpoint({ environment: {}, currentContext: "file" })).toMatchObject({
      kind: "context",
      name: "file",
    });
    expect(chooseEndpoint({ environment: {}, currentContext: "default" })).toMatchObject({
      kind: "default",
    });
    expect(chooseEndpoint({ context: "default", environment })).toMatchObject({ kind: "default" });
    expect(chooseEndpoint({ environment: {} })).toEqual({ kind: "default", warnings: [] });
  });
});

describe("an engine's address", () => {
  test.each([
    ["unix:///run/my.sock", { kind: "unix", path: "/run/my.sock" }],
    ["unix://", { kind: "unix", path: "/var/run/docker.sock" }],
    ["npipe:////./pipe/docker_engine", { kind: "npipe", path: String.raw`\\.\pipe\docker_engine` }],
    ["tcp://[::1]:2376", { kind: "tcp", host: "::1", port: 2376 }],
    ["host:2375", { kind: "tcp", host: "host", port: 2375 }],
    ["https://host", { kind: "tcp", host: "host", port: 2376, tls: { verify: true } }],
    ["ssh://me@host", { kind: "ssh", host: "host", user: "me" }],
    [
      "ssh://host:2222/run/d.sock",
      { kind: "ssh", host: "host", port: 2222, socket: "/run/d.sock" },
    ],
  ])("%s is read", (url, address) => {
    expect(parseAddress(url, "DOCKER_HOST")).toEqual(address);
  });

  test.each(["fd://", "ssh://me:secret@host", "tcp://", "nonsense://x"])("%s is refused", (url) => {
    expect(() => parseAddress(url, "DOCKER_HOST")).toThrow(EndpointInvalidError);
    expect(() => parseAddress(url, "DOCKER_HOST")).not.toThrow("secret");
  });

  test("plain TCP to another machine is refused unless it is asked for by name", () => {
    const remote = parseAddress("tcp://10.0.0.7:2375", "DOCKER_HOST");

    expect(() => refusePlainTcp(remote, {})).toThrow(InsecureEndpointError);
    expect(() => refusePlainTcp(remote, { NEXUS_INSECURE_TCP: "1" })).not.toThrow();
    expect(() => refusePlainTcp(parseAddress("tcp://127.0.0.1:2375", ""), {})).not.toThrow();
    expect(() => refusePlainTcp(parseAddress("https://10.0.0.7:2376", ""), {})).not.toThrow();
  });

  test("rootless, Desktop, Colima and Podman are looked for where they usually are", () => {
    expect(usualSockets("/home/me", "/run/user/1000")).toEqual(
      expect.arrayContaining([
        "/run/user/1000/docker.sock",
        "/home/me/.docker/run/docker.sock",
        "/home/me/.colima/default/docker.sock",
        "/run/user/1000/podman/podman.sock",
      ]),
    );
  });
});
