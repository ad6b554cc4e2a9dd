/** What a container uses, once a second. */
import type Docker from "dockerode";
import type { ContainerStats } from "../engine.ts";
import type { DockerClient } from "./client.ts";
import { readJsonLines } from "./json-lines.ts";

/** Reads until the container stops or `signal` aborts; throws EngineLostError. */
export async function* readStats(
  client: DockerClient,
  id: string,
  signal?: AbortSignal,
): AsyncGenerator<ContainerStats> {
  const call = `read the use of ${id}`;
  const response = await client.stream(
    call,
    async (docker, options) => docker.getContainer(id).stats({ stream: true, ...options }),
    signal,
  );
  try {
    for await (const sample of readJsonLines(response)) {
      const stats = sample as Docker.ContainerStats;
      if (isWhole(stats)) yield readSample(stats);
    }
  } catch (error) {
    if (signal?.aborted !== true) throw client.streamFailure(call, error);
  } finally {
    response.destroy();
  }
}

const isWhole = ({ memory_stats, precpu_stats }: Docker.ContainerStats): boolean =>
  memory_stats?.usage !== undefined && (precpu_stats?.system_cpu_usage ?? 0) > 0;

/** Translates a sample as `docker stats` does, for cgroup v1 and v2 alike. */
export function readSample(sample: Docker.ContainerStats): ContainerStats {
  const networks = Object.values(sample.networks ?? {});
  const { usage, limit, stats } = sample.memory_stats;
  const cache: number = stats?.total_inactive_file ?? stats?.inactive_file ?? 0;
  return {
    cpuPercent: cpuPercent(sample),
    memoryBytes: Math.max(0, usage - cache),
    memoryLimitBytes: limit,
    networkRxBytes: networks.reduce((sum, network) => sum + network.rx_bytes, 0),
    networkTxBytes: networks.reduce((sum, network) => sum + network.tx_bytes, 0),
    pids: sample.pids_stats?.current ?? 0,
  };
}

function cpuPercent({ cpu_stats: now, precpu_stats: before }: Docker.ContainerStats): number {
  const used = now.cpu_usage.total_usage - before.cpu_usage.total_usage;
  const passed = now.system_cpu_usage - before.system_cpu_usage;
  return passed > 0 && used > 0 ? (used / passed) * now.online_cpus * 100 : 0;
}
