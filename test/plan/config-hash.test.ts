import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Blueprint, hashRequest, judgeHash } from "../../src/plan/config-hash.ts";
import { serviceBlueprint } from "../../src/plan/container-request.ts";
import { gib, service } from "../support/builders.ts";

const blueprint: Blueprint = {
  ...serviceBlueprint(
    service("web", {
      environment: { A: "1", B: "2" },
      capAdd: ["CHOWN", "SETUID"],
      mounts: [
        { kind: "volume", source: "v", target: "/v", readOnly: false, external: false },
        { kind: "tmpfs", target: "/tmp" },
      ],
    }),
    { stack: "home", network: "home", gpus: { kind: "nvidia", ids: ["G1", "G2"] } },
  ),
  entrypoint: ["run"],
  command: ["serve", "--port", "8000"],
};
const contents = { secrets: { token: "digest" }, build: "content" };
const label = hashRequest(blueprint, contents);

/** The same value with the keys of every object in another order. */
function shuffled(value: unknown, order: number): unknown {
  if (Array.isArray(value)) return value.map((item) => shuffled(item, order));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, shuffled(item, order)] as const);
  const turn = entries.length === 0 ? 0 : order % entries.length;
  return Object.fromEntries([...entries.slice(turn), ...entries.slice(0, turn)].toReversed());
}

describe("a configuration hash", () => {
  test("names its schema and is a SHA-256", () => {
    expect(label).toMatch(/^1-[0-9a-f]{64}$/);
  });

  test("of schema 1 never changes, or an upgrade would recreate every container", () => {
    expect(label).toMatchInlineSnapshot(
      `"1-63e1a024c09a40a4d0d8d5d81e7e5411a647124d5b8f796b6d758363df2354b5"`,
    );
  });

  test("does not depend on the order of keys, or of what has no order", () => {
    fc.assert(
      fc.property(fc.nat(50), (order) => {
        const same = shuffled(blueprint, order) as Blueprint;
        expect(judgeHash(label, same, contents)).toBe("same");
      }),
    );
    const turned = {
      ...blueprint,
      capAdd: blueprint.capAdd.toReversed(),
      mounts: blueprint.mounts.toReversed(),
      gpus: { kind: "nvidia", ids: ["G2", "G1"] },
    } as const;
    expect(judgeHash(label, turned, contents)).toBe("same");
  });

  test("does not depend on what changes in place, nor on settings at their defaults", () => {
    const changes: readonly Partial<Blueprint>[] = [
      { limits: { pids: 1, memoryBytes: gib } },
      { restart: { name: "always" } },
      { network: { name: "home", aliases: ["other"] } },
    ];
    for (const change of changes)
      expect(judgeHash(label, { ...blueprint, ...change }, contents)).toBe("same");
    const later = { ...blueprint, aSettingOfTheFuture: false, another: [] };
    expect(judgeHash(label, later, contents)).toBe("same");
  });

  const meaningful: readonly Partial<Blueprint>[] = [
    { image: "web:2" },
    { entrypoint: [] },
    { command: ["serve", "8000", "--port"] },
    { environment: { A: "1", B: "3" } },
    { environment: { A: "1" } },
    { user: "1000" },
    { workingDir: "/app" },
    { readOnly: true },
    { init: false },
    { capAdd: ["CHOWN"] },
    { capDrop: [] },
    { noNewPrivileges: false },
    { mounts: blueprint.mounts.slice(1) },
    { network: { name: "home-internal", aliases: ["web"] } },
    { ports: [{ hostIp: "127.0.0.1", hostPort: 1, containerPort: 1, protocol: "tcp" }] },
    { gpus: { kind: "nvidia", ids: ["G1"] } },
    { devices: [{ host: "/dev/x", container: "/dev/x", permissions: "rw" }] },
    { groupAdd: ["44"] },
    { extraHosts: ["a:1.2.3.4"] },
    { shmBytes: gib },
    { healthcheck: { test: ["CMD", "true"] } },
    { labels: { mine: "1" } },
    { stopGraceMs: 1 },
  ];

  test.each(meaningful)("changes with %j", (change) => {
    expect(judgeHash(label, { ...blueprint, ...change }, contents)).toBe("changed");
  });

  test("changes with the contents of secrets and of the build", () => {
    expect(judgeHash(label, blueprint, { ...contents, secrets: { token: "other" } })).toBe(
      "changed",
    );
    expect(judgeHash(label, blueprint, { ...contents, build: "other" })).toBe("changed");
  });

  test("is not judged when a newer Nexus wrote it, and is out of date when it makes no sense", () => {
    expect(judgeHash("2-abc", blueprint, contents)).toBe("unknown");
    for (const odd of ["", "0-abc", "abc", "-1-abc"])
      expect(judgeHash(odd, blueprint, contents)).toBe("changed");
  });
});
