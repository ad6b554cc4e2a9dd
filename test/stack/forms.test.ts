import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { ContainerService } from "../../src/stack/stack.ts";
import { folderOf, load, loadService } from "./folder.ts";
import { loadStack } from "../../src/stack/load.ts";

/** Short and long forms of a key, and what both come to. */
const forms: readonly (readonly [string, Partial<ContainerService>])[] = [
  ["command: serve --port 80", { command: ["serve", "--port", "80"] }],
  ["command: [serve, --port, '80']", { command: ["serve", "--port", "80"] }],
  ["entrypoint: ['']", { entrypoint: [""] }],
  ["environment: {A: b, N: 1}", { environment: { A: "b", N: "1" } }],
  ["environment: [A=b, N=1]", { environment: { A: "b", N: "1" } }],
  [
    "ports: ['8080:80']",
    { ports: [{ hostIp: "127.0.0.1", hostPort: 8080, containerPort: 80, protocol: "tcp" }] },
  ],
  [
    "ports: [80]",
    { ports: [{ hostIp: "127.0.0.1", hostPort: 80, containerPort: 80, protocol: "tcp" }] },
  ],
  [
    "ports: ['0.0.0.0:53:53/udp']",
    { ports: [{ hostIp: "0.0.0.0", hostPort: 53, containerPort: 53, protocol: "udp" }] },
  ],
  [
    "ports: ['[::1]:81:80']",
    { ports: [{ hostIp: "::1", hostPort: 81, containerPort: 80, protocol: "tcp" }] },
  ],
  [
    "ports: [22:22]",
    { ports: [{ hostIp: "127.0.0.1", hostPort: 22, containerPort: 22, protocol: "tcp" }] },
  ],
  [
    "ports: [{target: 80, published: 81}]",
    { ports: [{ hostIp: "127.0.0.1", hostPort: 81, containerPort: 80, protocol: "tcp" }] },
  ],
  [
    "volumes: ['models:/m']",
    {
      mounts: [
        { kind: "volume", source: "t_models", target: "/m", readOnly: false, external: false },
      ],
    },
  ],
  [
    "volumes: ['models:/m:ro']",
    {
      mounts: [
        { kind: "volume", source: "t_models", target: "/m", readOnly: true, external: false },
      ],
    },
  ],
  [
    "volumes: ['/etc/x:/m:rw']",
    { mounts: [{ kind: "bind", source: "/etc/x", target: "/m", readOnly: false }] },
  ],
  [
    "volumes: [{type: tmpfs, target: /m, tmpfs: {size: 1m, mode: '1777'}}]",
    { mounts: [{ kind: "tmpfs", target: "/m", sizeBytes: 1024 ** 2, mode: 0o1777 }] },
  ],
  [
    "volumes: [{type: tmpfs, target: /m, tmpfs: {mode: 0o1777}}]",
    { mounts: [{ kind: "tmpfs", target: "/m", mode: 0o1777 }] },
  ],
  ["tmpfs: /run", { mounts: [{ kind: "tmpfs", target: "/run" }] }],
  [
    "tmpfs: ['/run:size=64m,mode=755,uid=1000,gid=1001']",
    {
      mounts: [
        {
          kind: "tmpfs",
          target: "/run",
          sizeBytes: 64 * 1024 ** 2,
          mode: 0o755,
          uid: 1000,
          gid: 1001,
        },
      ],
    },
  ],
  [
    "healthcheck: {test: curl localhost, interval: 1m30s, retries: 2}",
    { healthcheck: { test: ["CMD-SHELL", "curl localhost"], intervalMs: 90_000, retries: 2 } },
  ],
  [
    "healthcheck: {test: [CMD, curl], timeout: 5s, start_period: 1m}",
    { healthcheck: { test: ["CMD", "curl"], timeoutMs: 5000, startPeriodMs: 60_000 } },
  ],
  ["healthcheck: {test: NONE}", { healthcheck: { test: ["NONE"] } }],
  ["healthcheck: {disable: true}", { healthcheck: { test: ["NONE"] } }],
  [
    "mem_limit: 8GiB\ncpus: 1.5\npids_limit: 10",
    { limits: { memoryBytes: 8 * 1024 ** 3, cpus: 1.5, pids: 10 } },
  ],
  [
    "mem_limit: 1073741824\ncpus: '0.5'",
    { limits: { memoryBytes: 1024 ** 3, cpus: 0.5, pids: 4096 } },
  ],
  ["shm_size: 1g\nvram: 8GiB", { shmBytes: 1024 ** 3, vramBytes: 8 * 1024 ** 3 }],
  ["gpus: auto", { gpus: { kind: "auto" } }],
  ["gpus: all", { gpus: { kind: "all" } }],
  ["gpus: 0", { gpus: { kind: "none" } }],
  ["gpus: 2", { gpus: { kind: "count", count: 2 } }],
  ["gpus: [GPU-1, GPU-2]", { gpus: { kind: "ids", ids: ["GPU-1", "GPU-2"] } }],
  [
    "gpus: [{driver: nvidia, count: 1, capabilities: [gpu]}]",
    { gpus: { kind: "count", count: 1 } },
  ],
  ["gpus: [{device_ids: [GPU-1]}]", { gpus: { kind: "ids", ids: ["GPU-1"] } }],
  ["restart: on-failure:5", { restart: { name: "on-failure", maximumRetryCount: 5 } }],
  ["restart: false", { restart: { name: "no" } }],
  ["labels: [a=b]", { labels: { a: "b" } }],
  ["labels: {a: 1}", { labels: { a: "1" } }],
  ["user: 1000", { user: "1000" }],
  [
    "working_dir: /w\nread_only: true\ninit: false",
    { workingDir: "/w", readOnly: true, init: false },
  ],
  ["cap_add: [CAP_NET_RAW, chown]\ncap_drop: [CHOWN]", { capAdd: ["NET_RAW"] }],
  [
    "devices: [/dev/kfd]",
    { devices: [{ host: "/dev/kfd", container: "/dev/kfd", permissions: "rwm" }] },
  ],
  [
    "devices: [{source: /dev/a, target: /dev/b, permissions: r}, '/dev/c:/dev/d:rw']",
    {
      devices: [
        { host: "/dev/a", container: "/dev/b", permissions: "r" },
        { host: "/dev/c", container: "/dev/d", permissions: "rw" },
      ],
    },
  ],
  ["group_add: [44, render]", { groupAdd: ["44", "render"] }],
  [
    "extra_hosts: ['h:host-gateway', 'i=10.0.0.1']",
    { extraHosts: ["h:host-gateway", "i:10.0.0.1"] },
  ],
  ["extra_hosts: {h: '::1'}", { extraHosts: ["h:::1"] }],
  [
    "stop_grace_period: 1m30s\nstable_for: 1s\nstall_timeout: 5m",
    { stopGraceMs: 90_000, stableMs: 1000, stallTimeoutMs: 300_000 },
  ],
  ["pull_policy: if_not_present", { image: { kind: "pull", ref: "x:1", pullPolicy: "missing" } }],
  ["max_concurrency: 4\negress: false", { maxConcurrency: 4, egress: false }],
  ["stream_usage: true", { streamUsage: true }],
];

test.each(forms)("%s", async (keys, expected) => {
  expect(await loadService(keys)).toMatchObject(expected);
});

test.each([
  ["/health", { path: "/health", status: [200], loading: [503], models: "none" }],
  [
    "{path: /h, status: 204, loading: [503, 404]}",
    { path: "/h", status: [204], loading: [503, 404], models: "none" },
  ],
  [
    "{json: {pointer: /a/b, equals: {c: [1, true]}}}",
    { json: { pointer: "/a/b", equals: { c: [1, true] } } },
  ],
])("probe: %s", async (probe, expected) => {
  expect((await loadService(`port: 80\nprobe: ${probe}`)).probe).toMatchObject(expected);
});

describe("volumes of the stack", () => {
  test("those that are used exist, whether declared or not", async () => {
    const { stack } = await load(
      "name: t\nservices: {a: {image: 'x:1', volumes: ['v:/v', 'w:/w', 'e:/e', 'f:/f']}}\nvolumes: {v: , w: {name: mine, driver: local, driver_opts: {n: 1}}, e: {external: true}, f: {external: true, name: g}}",
    );
    expect(stack.volumes.map(({ key, name, external }) => [key, name, external])).toEqual([
      ["v", "t_v", false],
      ["w", "mine", false],
      ["e", "e", true],
      ["f", "g", true],
    ]);
    expect(stack.volumes[1]).toMatchObject({ driver: "local", driverOpts: { n: "1" } });
  });
});

describe("paths of this machine", () => {
  test("they are relative to the file they stand in, and ~ is home", async () => {
    await using folder = await folderOf({
      "nexus.yaml":
        "name: t\ninclude: [sub/more.yaml]\nservices: {a: {image: 'x:1', volumes: ['./d:/d', '~/h:/h']}}",
      "sub/more.yaml":
        "services: {b: {image: 'x:1', volumes: ['./d:/d', '../e:/e'], secrets: [s, u]}}\nsecrets: {s: {file: ./s.txt}}",
    });
    const { stack } = await loadStack({ cwd: folder.path, environment: { HOME: "/home/me" } });
    const sources = stack.services.map((service) =>
      service.kind === "container"
        ? service.mounts.map((mount) => (mount.kind === "bind" ? mount.source : ""))
        : [],
    );
    expect(sources).toEqual([
      [join(folder.path, "sub/d"), join(folder.path, "e")],
      [join(folder.path, "d"), "/home/me/h"],
    ]);
    expect(stack.services[0]).toMatchObject({
      secrets: [
        { name: "s", file: join(folder.path, "sub/s.txt") },
        { name: "u", file: join(folder.path, ".nexus/secrets/u") },
      ],
    });
  });
});
