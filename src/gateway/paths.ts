/** Where things are in the gateway's container; without imports, because the control channel starts with every command. */

/** Ports and paths inside the gateway's container: the same in every stack. */
export const gatewayPaths = {
  apiPort: 8800,
  observabilityPort: 8801,
  /** The gateway's volume: configuration and key digests live here, so a restart keeps both. */
  data: "/data",
  /** Unix socket of the control channel; reachable only through the engine's exec. */
  controlSocket: "/run/nexus/control.sock",
  bundle: "/nexus/gateway.mjs",
} as const;
