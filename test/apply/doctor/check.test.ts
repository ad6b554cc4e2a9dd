import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { broken, doubtful, exitOfChecks, fine } from "../../../src/apply/doctor/check.ts";
import { checkClock, checkEngine, checkMemory } from "../../../src/apply/doctor/machine.ts";
import { checkPorts, overlaps } from "../../../src/apply/doctor/ports.ts";
import {
  checkAddresses,
  checkGpus,
  checkNetworks,
  checkTags,
} from "../../../src/apply/doctor/stack.ts";
import type { StackReadiness } from "../../../src/gateway/protocol.ts";
import {
  container,
  engineDescription,
  foreign,
  gib,
  network,
  observedOf,
  service,
  stackOf,
} from "../../support/builders.ts";

const engine = engineDescription({ os: "linux" });

test("the exit code is the gravest failure's; reservations are none", () => {
  expect(exitOfChecks([fine("a", ""), doubtful("b", "", "")])).toBe(0);
  expect(
    exitOfChecks([broken("a", "", "", 6), broken("b", "", "", 3), broken("c", "", "", 4)]),
  ).toBe(3);
});

test("an engine without Linux containers, a clock that is off and too little memory are found", () => {
  expect(checkEngine(engine)[0]?.verdict).toBe("ok");
  expect(checkEngine({ ...engine, os: "windows" })[0]).toMatchObject({ verdict: "fail", exit: 3 });
  expect(checkEngine({ ...engine, warnings: ["two engines"] })[1]).toMatchObject({
    verdict: "warn",
    detail: "two engines",
  });
  expect(checkClock({ ...engine, clockSkewMs: -61_000 }).detail).toBe(
    "the engine's clock is 61 s behind this one",
  );
  expect(checkMemory(engine, 40 * gib)).toMatchObject({ verdict: "warn" });
});

test("a GPU that is needed and not there is a failure; one that is only liked is not", () => {
  const needing = stackOf([service("llm", { gpus: { kind: "all" } })]);
  expect(checkGpus(needing, engine)).toMatchObject({ verdict: "fail", exit: 7 });
  expect(checkGpus(stackOf([service("llm", { gpus: { kind: "auto" } })]), engine).verdict).toBe(
    "ok",
  );
});

test("where a reload of systemd takes GPUs from running containers, those who use them are warned", () => {
  const using = stackOf([service("llm", { gpus: { kind: "auto" } })]);
  const systemd = { ...engine, gpuKinds: ["nvidia"] as const, cgroupDriver: "systemd" };
  expect(checkGpus(using, systemd)).toMatchObject({
    verdict: "warn",
    detail: expect.stringContaining("systemctl daemon-reload"),
    fix: expect.stringContaining("native.cgroupdriver=cgroupfs"),
  });
  expect(checkGpus(using, { ...systemd, cgroupDriver: "cgroupfs" }).verdict).toBe("ok");
  expect(checkGpus(using, { ...systemd, gpuKinds: ["cdi"] }).verdict).toBe("ok");
  expect(checkGpus(stackOf([service("web")]), systemd).verdict).toBe("ok");
});

test("moving tags and doubled networks are doubtful", () => {
  const moving = service("llm", {
    image: { kind: "pull", ref: "vllm/vllm-openai", pullPolicy: "missing" },
  });
  expect(checkTags(stackOf([moving, service("ocr")])).detail).toContain("llm:");
  const twice = observedOf({ networks: [network("home"), network("home", { id: "other" })] });
  expect(checkNetworks(twice).verdict).toBe("warn");
});

const port = (hostPort: number, hostIp = "127.0.0.1") => ({
  hostIp,
  hostPort,
  containerPort: 1,
  protocol: "tcp" as const,
});

test("a port on every address meets the same port on one", () => {
  expect(overlaps(port(80, "0.0.0.0"), port(80))).toBe(true);
  expect(overlaps(port(80, "10.0.0.1"), port(80))).toBe(false);
  expect(overlaps(port(80), port(81))).toBe(false);
});

test("a port of ours is fine, one of another container or program is named", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const taken = (server.address() as AddressInfo).port;
  const gateway = { ...stackOf([]).gateway, port: taken, observabilityPort: taken };
  const stack = stackOf([], { gateway });
  const ours = observedOf({ containers: [container("gateway", { ports: [port(taken)] })] });
  const theirs = observedOf({ foreign: [foreign("web", { ports: [port(taken)], owner: "blog" })] });
  expect(await checkPorts(stack, ours, engine)).toMatchObject([{ verdict: "ok" }]);
  expect((await checkPorts(stack, theirs, engine))[0]?.detail).toContain(
    "the container web of blog has it",
  );
  expect((await checkPorts(stack, observedOf(), engine))[0]).toMatchObject({
    verdict: "fail",
    exit: 6,
  });
  expect(await checkPorts(stack, observedOf(), { ...engine, local: false })).toMatchObject([
    { verdict: "ok" },
  ]);
  server.close();
});

test("keys for certain addresses are found where their gateway can see none", () => {
  const stack = stackOf([]);
  const open = { ...stack, gateway: { ...stack.gateway, host: "0.0.0.0" } };
  const readiness = { keys_from_addresses: 1 } as StackReadiness;
  const rootless = engineDescription({ rootless: true });
  expect(checkAddresses(open, rootless, readiness)).toMatchObject([
    { id: "addresses", verdict: "warn", detail: expect.stringContaining("1 key is limited") },
  ]);
  expect(checkAddresses(open, engine, readiness)).toEqual([]);
  expect(checkAddresses(open, rootless, undefined)).toEqual([]);
});
