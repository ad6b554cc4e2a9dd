import { describe, expect, test } from "vitest";
import type { ContainerRequest } from "../../src/engine/engine.ts";
import { containerBody } from "../../src/engine/docker/container-body.ts";
import { identityLabels, readIdentity } from "../../src/engine/docker/labels.ts";
import { plainRequest } from "./subject.ts";

const body = (change: Partial<ContainerRequest>) =>
  containerBody({ ...plainRequest("home"), image: "ollama:1", ...change }, "net-id");

describe("the body that creates a container", () => {
  test("is hardened, attached by id, rotated and never restarted by itself", () => {
    expect(body({}).HostConfig).toMatchObject({
      NetworkMode: "net-id",
      RestartPolicy: { Name: "no" },
      LogConfig: { Type: "json-file", Config: { "max-size": "10m", "max-file": "3" } },
      Privileged: false,
      ReadonlyRootfs: true,
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges:true"],
      Memory: 256 * 1024 ** 2,
      MemorySwap: 256 * 1024 ** 2,
      PidsLimit: 256,
    });
    expect(body({}).NetworkingConfig).toEqual({
      EndpointsConfig: { "net-id": { Aliases: ["llm"] } },
    });
  });

  test("asks for NVIDIA and CDI devices by id, never by count", () => {
    expect(body({ gpus: { kind: "nvidia", ids: ["GPU-1"] } }).HostConfig?.DeviceRequests).toEqual([
      { Driver: "nvidia", DeviceIDs: ["GPU-1"], Capabilities: [["gpu", "compute", "utility"]] },
    ]);
    expect(
      body({ gpus: { kind: "cdi", ids: ["nvidia.com/gpu=GPU-1"] } }).HostConfig?.DeviceRequests,
    ).toEqual([{ Driver: "cdi", DeviceIDs: ["nvidia.com/gpu=GPU-1"] }]);
  });

  test("gives AMD GPUs as devices with the numeric groups that own them", () => {
    const { HostConfig } = body({
      gpus: { kind: "amd", devices: ["/dev/kfd", "/dev/dri/renderD128"], groups: ["110"] },
    });

    expect(HostConfig?.GroupAdd).toEqual(["110"]);
    expect(HostConfig?.Devices).toContainEqual({
      PathOnHost: "/dev/dri/renderD128",
      PathInContainer: "/dev/dri/renderD128",
      CgroupPermissions: "rwm",
    });
    expect(HostConfig).not.toHaveProperty("DeviceRequests");
  });

  test("makes a tmpfs that its user can write to", () => {
    const mounts = [{ kind: "tmpfs", target: "/run/nexus", sizeBytes: 1024 }] as const;

    expect(body({ mounts, user: "65532:100" }).HostConfig?.Tmpfs).toEqual({
      "/run/nexus": "rw,size=1024,mode=1777,uid=65532,gid=100",
    });
    expect(body({ mounts, user: "65532" }).HostConfig?.Tmpfs).toHaveProperty(
      "/run/nexus",
      "rw,size=1024,mode=1777,uid=65532,gid=65532",
    );
    expect(body({ mounts, user: "node" }).HostConfig?.Tmpfs).toHaveProperty(
      "/run/nexus",
      "rw,size=1024,mode=1777",
    );
  });

  test("publishes one container port on several addresses", () => {
    const port = { hostPort: 80, containerPort: 8080, protocol: "tcp" } as const;
    const { ExposedPorts, HostConfig } = body({
      ports: [
        { ...port, hostIp: "127.0.0.1" },
        { ...port, hostIp: "::1" },
      ],
    });

    expect(ExposedPorts).toEqual({ "8080/tcp": {} });
    expect(HostConfig?.PortBindings).toEqual({
      "8080/tcp": [
        { HostIp: "127.0.0.1", HostPort: "80" },
        { HostIp: "::1", HostPort: "80" },
      ],
    });
  });

  test("gives durations in the engine's units", () => {
    const { StopTimeout, Healthcheck } = body({
      stopGraceMs: 1500,
      healthcheck: { test: ["NONE"], intervalMs: 2, retries: 3 },
    });

    expect(StopTimeout).toBe(2);
    expect(Healthcheck).toEqual({ Test: ["NONE"], Interval: 2_000_000, Retries: 3 });
  });
});

describe("labels", () => {
  const { identity } = plainRequest("home");

  test("carry an identity there and back", () => {
    expect(readIdentity(identityLabels(identity))).toEqual(identity);
  });

  test("let Compose's tools group a stack, but never let Compose manage it", () => {
    const labels = identityLabels(identity);

    expect(labels).toMatchObject({
      "com.docker.compose.project": "home",
      "com.docker.compose.service": "llm",
    });
    expect(labels).not.toHaveProperty("com.docker.compose.config-hash");
  });

  test("of somebody else are no identity", () => {
    expect(readIdentity({ "com.docker.compose.project": "home" })).toBeUndefined();
  });
});
