import { mkdir, mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { EngineTooOldError } from "../../src/engine/errors.ts";
import { imageArchitecture } from "../../src/engine/docker/describe.ts";
import { amdGpus } from "../../src/engine/docker/amd-gpus.ts";
import { gpuLabels, readGpuNote } from "../../src/engine/docker/gpu-label.ts";
import { readGpu, readGpus } from "../../src/engine/docker/gpus.ts";
import { logQuery } from "../../src/engine/docker/logs.ts";
import { agreeOnVersion } from "../../src/engine/docker/negotiate.ts";
import { listeningInodes } from "../../src/engine/docker/port-holder.ts";
import { PullTally } from "../../src/engine/docker/pull-progress.ts";
import { parseReference } from "../../src/engine/docker/reference.ts";
import { sshArguments } from "../../src/engine/docker/ssh.ts";
import { readSample } from "../../src/engine/docker/stats.ts";
import { overlaps, subnetCandidates } from "../../src/engine/docker/subnets.ts";

describe("the API version", () => {
  test.each([
    ["1.41", "", "1.41"],
    ["1.48", "", "1.48"],
    ["1.99", "", "1.54"],
    ["1.48", "1.43", "1.43"],
  ])("of an engine offering %s, pinned to '%s', is %s", (offered, pinned, agreed) => {
    expect(agreeOnVersion(offered, "here", pinned)).toBe(agreed);
  });

  test("below 1.41 is too old, and 1.9 is below 1.41", () => {
    expect(() => agreeOnVersion("1.9", "unix:///x")).toThrow(EngineTooOldError);
    expect(() => agreeOnVersion("1.40", "unix:///x")).toThrow(
      "unix:///x speaks API 1.40; Nexus needs 1.41",
    );
  });
});

describe("an image reference", () => {
  test.each([
    ["ollama/ollama:0.12", { registry: "docker.io", repository: "ollama/ollama", tag: "0.12" }],
    ["node", { registry: "docker.io", repository: "node", tag: "latest" }],
    ["localhost/x", { registry: "localhost", repository: "localhost/x", tag: "latest" }],
    [
      "127.0.0.1:5000/a/b",
      { registry: "127.0.0.1:5000", repository: "127.0.0.1:5000/a/b", tag: "latest" },
    ],
    [
      "ghcr.io/a/b:1@sha256:ab",
      { registry: "ghcr.io", repository: "ghcr.io/a/b", tag: "sha256:ab" },
    ],
  ])("%s is taken apart", (ref, parts) => {
    expect(parseReference(ref)).toEqual(parts);
  });
});

describe("the progress of a pull", () => {
  test("adds up over layers, and knows when the engine says that it is done", () => {
    const tally = new PullTally();
    tally.add({ id: "1", status: "Pulling from library/x" });
    tally.add({ id: "a", status: "Pulling fs layer" });
    tally.add({ id: "b", status: "Already exists" });
    tally.add({ id: "a", status: "Downloading", progressDetail: { current: 40, total: 100 } });

    expect(
      tally.add({ id: "c", status: "Downloading", progressDetail: { current: 5, total: 10 } }),
    ).toEqual({
      status: "Downloading",
      downloadedBytes: 45,
      totalBytes: 110,
      layersDone: 1,
      layers: 3,
    });
    expect(tally.add({ id: "a", status: "Pull complete" })).toMatchObject({
      downloadedBytes: 105,
      layersDone: 2,
    });
    expect(tally.finished).toBe(false);
    tally.add({ status: "Status: Downloaded newer image for x" });
    expect(tally.finished).toBe(true);
  });
});

describe("address ranges", () => {
  test("are always tried in the same order for a name, without those in use", () => {
    const [first = "", second = ""] = subnetCandidates("home", []);

    expect(subnetCandidates("home", [])[0]).toBe(first);
    expect(subnetCandidates("home", [first])[0]).toBe(second);
    expect(subnetCandidates("home", ["10.0.0.0/8"])).toEqual([]);
    expect(first).toMatch(/^10\.213\.\d+\.0\/24$/);
  });

  test("overlap when they share an address", () => {
    expect(overlaps("10.213.4.0/24", "10.213.0.0/16")).toBe(true);
    expect(overlaps("10.213.4.0/24", "10.213.5.0/24")).toBe(false);
    expect(overlaps("10.213.4.0/24", "fd00::/64")).toBe(false);
  });
});

describe("what the system says", () => {
  test("of listening sockets is found by port in /proc/net/tcp", () => {
    const table = [
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
      "   0: 0100007F:2260 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0",
      "   1: 0100007F:2260 0100007F:9999 01 00000000:00000000 00:00000000 00000000  1000        0 4712 1 0",
    ].join("\n");

    expect(listeningInodes(table, 8800)).toEqual(["4711"]);
    expect(listeningInodes(table, 8801)).toEqual([]);
  });

  test("of NVIDIA GPUs is read from nvidia-smi", () => {
    expect(readGpu("GPU-8f2, NVIDIA L4, 23034, 312, 8.9, 580.65.06")).toEqual([
      {
        id: "GPU-8f2",
        name: "NVIDIA L4",
        vendor: "nvidia",
        memoryBytes: 23_034 * 1024 ** 2,
        usedBytes: 312 * 1024 ** 2,
        compute: "8.9",
        driver: "580.65.06",
      },
    ]);
    expect(readGpu("GPU-8f2, NVIDIA GB10, [N/A], [N/A], 12.1, 580.95")).toEqual([
      { id: "GPU-8f2", name: "NVIDIA GB10", vendor: "nvidia", compute: "12.1", driver: "580.95" },
    ]);
    expect(readGpu("Failed to initialize NVML: Unknown Error")).toEqual([]);
  });

  test("of a driver too old for a question is what it does know", async () => {
    const asked: string[] = [];
    const gpus = await readGpus(async (fields) => {
      asked.push(fields.join());
      return fields.includes("compute_cap")
        ? ['Field "compute_cap" is not a valid field to query.']
        : ["GPU-1, Tesla K80, 11441, 0, 470.256.02"];
    });

    expect(gpus).toMatchObject([{ id: "GPU-1", driver: "470.256.02", usedBytes: 0 }]);
    expect(gpus[0]).not.toHaveProperty("compute");
    expect(asked).toHaveLength(2);
  });

  test("of a driver that does not answer is nothing, and it is asked once", async () => {
    let asked = 0;
    const gpus = await readGpus(async () => {
      asked += 1;
      return ["NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver."];
    });

    expect([gpus, asked]).toEqual([[], 1]);
  });

  test("of AMD GPUs is read from sysfs", async () => {
    await using sys = await mkdtempDisposable(path.join(tmpdir(), "nexus-sys-"));
    const drm = path.join(sys.path, "class", "drm");
    for (const [node, vendor] of [
      ["renderD128", "0x1002"],
      ["renderD129", "0x8086"],
    ] as const) {
      await mkdir(path.join(drm, node, "device"), { recursive: true });
      await writeFile(path.join(drm, node, "device", "vendor"), `${vendor}\n`);
      await writeFile(path.join(drm, node, "device", "mem_info_vram_total"), "17179869184\n");
      await writeFile(path.join(drm, node, "device", "mem_info_vram_used"), "1048576\n");
    }
    const topology = path.join(sys.path, "class/kfd/kfd/topology/nodes/1");
    await mkdir(topology, { recursive: true });
    const properties = "simd_count 384\ndrm_render_minor 128\ngfx_target_version 90010\n";
    await writeFile(path.join(topology, "properties"), properties);

    expect(await amdGpus(drm)).toEqual([
      {
        id: "/dev/dri/renderD128",
        name: "AMD GPU",
        vendor: "amd",
        memoryBytes: 16 * 1024 ** 3,
        usedBytes: 1024 ** 2,
        gfx: "gfx90a",
      },
    ]);
  });

  test("of GPUs is kept in a label, without what is in use, and what others write there is ignored", () => {
    const known = [
      { id: "GPU-1", name: "L4", vendor: "nvidia", memoryBytes: 24 * 1024 ** 3, compute: "8.9" },
      { id: "GPU-2", name: "L4", vendor: "nvidia" },
    ] as const;
    const note = { known, holds: ["GPU-1"], vramBytes: 8 * 1024 ** 3 };
    const used = { ...note, known: known.map((gpu) => ({ ...gpu, usedBytes: 5 })) };

    expect(readGpuNote(gpuLabels(used))).toEqual(note);
    expect(readGpuNote({})).toBeUndefined();
    expect(readGpuNote({ "io.nexus.gpus": "all of them" })).toBeUndefined();
    expect(readGpuNote({ "io.nexus.gpus": '{"known":[{}],"holds":[]}' })).toBeUndefined();
  });

  test("of processors is put in the words of images", () => {
    expect(["x86_64", "aarch64", "riscv64"].map(imageArchitecture)).toEqual([
      "amd64",
      "arm64",
      "riscv64",
    ]);
  });
});

describe("what the engine is asked", () => {
  test("gives log times in unix seconds", () => {
    expect(logQuery({ since: "2026-11-23T11:22:57.212989612Z" })).toMatchObject({
      since: "1795432977.212989612",
    });
    expect(logQuery({ since: "1795432977", tail: 0 })).toMatchObject({
      since: "1795432977",
      tail: "0",
    });
  });

  test("goes through ssh as the docker CLI does it, and a host is never an option", () => {
    const address = {
      kind: "ssh",
      host: "-oProxyCommand=x",
      user: "me",
      port: 22,
      socket: "/d.sock",
    } as const;

    expect(sshArguments(address).join(" ")).toBe(
      "-o ConnectTimeout=30 -T -l me -p 22 -- -oProxyCommand=x docker --host unix:///d.sock system dial-stdio",
    );
  });
});

describe("a sample of use", () => {
  const cpu = (total: number, system: number) => ({
    cpu_usage: { total_usage: total },
    system_cpu_usage: system,
    online_cpus: 4,
  });
  const sample = (stats: object) =>
    readSample({
      cpu_stats: cpu(300, 2000),
      precpu_stats: cpu(100, 1000),
      memory_stats: { usage: 1000, limit: 5000, stats },
      networks: { eth0: { rx_bytes: 1, tx_bytes: 2 }, eth1: { rx_bytes: 10, tx_bytes: 20 } },
      pids_stats: { current: 3 },
    } as unknown as Parameters<typeof readSample>[0]);

  test("is the same on cgroup v1 and v2", () => {
    const expected = {
      cpuPercent: 80,
      memoryBytes: 900,
      memoryLimitBytes: 5000,
      networkRxBytes: 11,
      networkTxBytes: 22,
      pids: 3,
    };

    expect(sample({ total_inactive_file: 100, inactive_file: 50 })).toEqual(expected);
    expect(sample({ inactive_file: 100 })).toEqual(expected);
  });
});
