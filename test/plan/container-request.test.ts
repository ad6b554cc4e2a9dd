import { describe, expect, test } from "vitest";
import { gatewayBlueprint, serviceBlueprint } from "../../src/plan/container-request.ts";
import { external, gib, service, stackOf } from "../support/builders.ts";

const placed = { stack: "home", network: "home" };

describe("a service's container", () => {
  test("is hardened: no capability but its own, no new privileges, limits", () => {
    expect(
      serviceBlueprint(service("web", { capAdd: ["CHOWN"], readOnly: true }), placed),
    ).toMatchObject({
      capDrop: ["ALL"],
      capAdd: ["CHOWN"],
      noNewPrivileges: true,
      init: true,
      readOnly: true,
      limits: { pids: 512 },
      ports: [],
    });
  });

  test("answers to its service's name on its network", () => {
    expect(serviceBlueprint(service("web"), placed).network).toEqual({
      name: "home",
      aliases: ["web"],
    });
  });

  test("gets its secrets as files that it can only read, and nowhere else", () => {
    const secrets = [{ name: "token", file: "/home/me/.nexus/secrets/token" }];
    const blueprint = serviceBlueprint(service("web", { secrets }), placed);
    expect(blueprint.mounts).toEqual([
      {
        kind: "volume",
        source: "home-web-secrets",
        target: "/run/secrets",
        readOnly: true,
        external: false,
      },
    ]);
    expect(JSON.stringify(blueprint)).not.toContain(".nexus/secrets");
  });

  test("leaves to the image what the stack does not set", () => {
    expect(Object.keys(serviceBlueprint(service("web"), placed))).not.toEqual(
      expect.arrayContaining(["user", "command", "entrypoint", "workingDir", "gpus"]),
    );
  });
});

describe("the gateway's container", () => {
  test("is unprivileged, read-only, published on the stack's host and on loopback only", () => {
    expect(gatewayBlueprint(stackOf([]), "nexus-gateway:abc")).toMatchInlineSnapshot(`
      {
        "capAdd": [],
        "capDrop": [
          "ALL",
        ],
        "devices": [],
        "environment": {},
        "extraHosts": [],
        "groupAdd": [],
        "image": "nexus-gateway:abc",
        "init": true,
        "labels": {},
        "limits": {
          "memoryBytes": 536870912,
          "pids": 512,
        },
        "mounts": [
          {
            "external": false,
            "kind": "volume",
            "readOnly": false,
            "source": "home-gateway",
            "target": "/data",
          },
          {
            "gid": 65532,
            "kind": "tmpfs",
            "mode": 448,
            "sizeBytes": 1048576,
            "target": "/run/nexus",
            "uid": 65532,
          },
        ],
        "network": {
          "aliases": [
            "gateway",
          ],
          "name": "home",
        },
        "noNewPrivileges": true,
        "ports": [
          {
            "containerPort": 8800,
            "hostIp": "127.0.0.1",
            "hostPort": 8800,
            "protocol": "tcp",
          },
          {
            "containerPort": 8801,
            "hostIp": "127.0.0.1",
            "hostPort": 8801,
            "protocol": "tcp",
          },
        ],
        "readOnly": true,
        "restart": {
          "name": "unless-stopped",
        },
        "stopGraceMs": 10000,
        "user": "65532:65532",
      }
    `);
  });

  test("takes the limits of the stack, and memory of its own accord", () => {
    const stack = stackOf([]);
    const limited = {
      ...stack,
      gateway: { ...stack.gateway, limits: { pids: 64, memoryBytes: gib } },
    };
    expect(gatewayBlueprint(limited, "g").limits).toEqual({ pids: 64, memoryBytes: gib });
  });

  test("knows the machine it runs on when a service is there", () => {
    const stack = stackOf([external("mlx", { url: "http://host.docker.internal:10240" })]);
    expect(gatewayBlueprint(stack, "g").extraHosts).toEqual(["host.docker.internal:host-gateway"]);
  });
});
