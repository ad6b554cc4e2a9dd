/** Keys of Compose that Nexus leaves out on purpose, and what to do instead. */

const isolation =
  "is left out on purpose: it takes away the wall between the container and this machine";
const networks =
  "is left out: Nexus makes the stack's networks; use `egress: false` to cut a service off, `ports` to publish";
const swarm = "is left out: Nexus runs a stack on one engine";
const limits = "is left out; use `mem_limit`, `cpus`, `pids_limit` and `shm_size`";

const serviceKeys: Readonly<Record<string, string>> = {
  privileged: `${isolation}; use \`cap_add\`, \`devices\` or \`gpus\``,
  network_mode: networks,
  networks,
  links: networks,
  external_links: networks,
  pid: isolation,
  ipc: `${isolation}; use \`shm_size\` for shared memory`,
  uts: isolation,
  userns_mode: isolation,
  cgroup: isolation,
  cgroup_parent: isolation,
  security_opt:
    "is left out on purpose: Nexus sets no-new-privileges and the engine's default profile",
  device_cgroup_rules: "is left out; use `devices` or `gpus`",
  runtime: "is left out; use `gpus`",
  container_name:
    "is left out: containers are called <stack>-<service>-<generation>, so that a new one can start beside the old",
  hostname: "is left out: the others reach a service by its name",
  deploy: `${swarm}; for limits use \`mem_limit\`, \`cpus\` and \`gpus\``,
  scale: swarm,
  credential_spec: swarm,
  extends: "is left out; use `template`, `include`, or a YAML anchor",
  expose:
    "is not needed: services of a stack reach each other's ports; `port` names the one that speaks HTTP",
  logging: "is left out: Nexus keeps the logs, with rotation, for `nexus logs`",
  configs: "is left out; use `volumes` with a file, or `secrets`",
  env: "is called `environment`",
  volumes_from: "is left out; name the volumes in `volumes`",
  platform: "is left out: images run on the engine's own platform",
  stdin_open: "is left out: services have no terminal; use `nexus exec`",
  tty: "is left out: services have no terminal; use `nexus exec`",
  develop: "is left out; run `nexus up` after a change",
  mem_reservation: limits,
  mem_swappiness: limits,
  memswap_limit: "is left out: a memory limit includes swap",
  oom_kill_disable: limits,
  oom_score_adj: limits,
  ulimits: limits,
  cpu_count: limits,
  cpu_percent: limits,
  cpu_shares: limits,
  cpu_quota: limits,
  cpu_period: limits,
  cpuset: limits,
  blkio_config: limits,
  sysctls: isolation,
  dns: networks,
  dns_search: networks,
  mac_address: networks,
  stop_signal: "is left out: set STOPSIGNAL in the image",
  post_start: "is left out; put it into the image's entrypoint",
  pre_stop: "is left out; react to SIGTERM",
  dockerfile_inline: "is left out; write a Dockerfile",
};

const topKeys: Readonly<Record<string, string>> = {
  version: "is not needed: remove it",
  networks,
  configs: "is left out; use `volumes` with a file, or `secrets`",
  models: "belongs to a service: write it under `services.<name>.models`",
};

/** Why a known key of Compose is not a key here; undefined for keys that nobody knows. */
export function whyLeftOut(key: string, place: "top" | "service"): string | undefined {
  const reasons = place === "top" ? topKeys : serviceKeys;
  return Object.hasOwn(reasons, key) ? reasons[key] : undefined;
}
