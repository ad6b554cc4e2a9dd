import { expect, test } from "vitest";
import { keepsOnEngineDisk } from "../../src/plan/model-disk.ts";
import type { Mount, Volume } from "../../src/stack/stack.ts";

const volume = (name: string, change: Partial<Volume> = {}): Volume => ({
  name,
  key: name,
  external: false,
  driverOpts: {},
  ...change,
});
const mounted = (source: string, kind: "volume" | "bind" = "volume"): Mount =>
  kind === "bind"
    ? { kind, source, target: "/models", readOnly: false }
    : { kind, source, target: "/models", readOnly: false, external: false };

test("the room on the engine's disk is that of models in its own volumes, and of no others", () => {
  const volumes = [
    volume("own"),
    volume("nas", { driverOpts: { type: "nfs" } }),
    volume("plugin", { driver: "rclone" }),
  ];
  const keeps = (...mounts: readonly Mount[]) => keepsOnEngineDisk({ mounts }, { volumes });
  expect(keeps()).toBe(true);
  expect(keeps(mounted("own"), { kind: "tmpfs", target: "/tmp" })).toBe(true);
  expect(keeps(mounted("nas"))).toBe(false);
  expect(keeps(mounted("own"), mounted("plugin"))).toBe(false);
  expect(keeps(mounted("/srv/models", "bind"))).toBe(false);
});
