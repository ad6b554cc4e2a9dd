import { describe, expect, test } from "vitest";
import type { ContainerService } from "../../src/stack/stack.ts";
import { gib, job, service, stackOf } from "../support/builders.ts";
import { home, planIn, told, up, withContainer, withGpus } from "./scenario.ts";

/** What is planned when the service `web` becomes another. */
function changed(before: Partial<ContainerService>, after: Partial<ContainerService>): string {
  return told(up(stackOf([service("web", before)])), stackOf([service("web", after)]));
}

const data = {
  mounts: [
    { kind: "volume", source: "home_data", target: "/data", readOnly: false, external: true },
  ],
} as const;
const newImage = { image: { kind: "pull", ref: "web:2", pullPolicy: "missing" } } as const;

describe("a changed service", () => {
  test("is replaced beside the old container, which serves until the new one is ready", () => {
    expect(changed({}, newImage)).toMatchInlineSnapshot(`
      "
      gateway
        configure  1 upstream                    replacements are switched to from here

      web
        pull       web:2                         it is not on this engine yet (downloads)
        create     home-web-2                    image web:1 → web:2
        start      home-web-2                    image web:1 → web:2
        await      home-web-2 until ready        a start proves nothing
        connect    home-web-2 to home            it answers to web from now on
        switch     to http://home-web-2:8000     home-web-2 is ready
        drain      http://home-web-1:8000        open requests end where they began
        stop       home-web-1                    home-web-2 serves in its place
        remove     home-web-1                    home-web-2 serves in its place
        update     restart policy of home-web-2  restart policy unless-stopped from now on

      1 to replace; pulls 1 image; configures the gateway
      "
    `);
  });

  test("is put back in charge by taking the new container away, while the old one still runs", () => {
    const { recoveries } = planIn(
      up(stackOf([service("web")])),
      stackOf([service("web", newImage)]),
    );
    expect(recoveries["web"]?.map(({ id }) => id)).toEqual(["remove home-web-2", "switch web"]);
    expect(recoveries["web"]?.[1]).toMatchObject({ upstream: { url: "http://home-web-1:8000" } });
  });

  test("stops first when both would publish the same port", () => {
    const ports = [
      { hostIp: "127.0.0.1", hostPort: 3000, containerPort: 3000, protocol: "tcp" },
    ] as const;
    expect(changed({ ports }, { ports, ...newImage })).toMatchInlineSnapshot(`
      "
      gateway
        configure  1 upstream                    replacements are switched to from here

      web
        pull       web:2                         it is not on this engine yet (downloads)
        create     home-web-2                    image web:1 → web:2
        stop       home-web-1                    home-web-2 replaces it, and both publish port 3000 (down meanwhile, cuts open streams)
        start      home-web-2                    image web:1 → web:2
        await      home-web-2 until ready        a start proves nothing
        switch     to http://home-web-2:8000     home-web-2 is ready
        remove     home-web-1                    home-web-2 serves in its place
        update     restart policy of home-web-2  restart policy unless-stopped from now on

      1 to replace (≈ 1 service down meanwhile); pulls 1 image; configures the gateway
      "
    `);
  });

  test("stops first when both would write to the same volume, and the old one is kept until the new one is ready", () => {
    const volumes = [{ name: "home_data", key: "data", external: false, driverOpts: {} }];
    const world = up(stackOf([service("web", data)], { volumes }));
    const plan = planIn(world, stackOf([service("web", { ...data, ...newImage })], { volumes }));
    const after = Object.fromEntries(plan.actions.map((action) => [action.id, action.after]));
    expect(after["stop home-web-1"]).toEqual(["create home-web-2"]);
    expect(after["start home-web-2"]).toContain("stop home-web-1");
    expect(after["remove home-web-1"]).toContain("await home-web-2");
    expect(plan.recoveries["web"]?.map(({ id }) => id)).toEqual([
      "remove home-web-2",
      "start home-web-1",
      "switch web",
      "await home-web-1",
    ]);
  });

  test("stops first when both would write to a volume that another service writes to as well, such as a backup of a database", () => {
    const volumes = [{ name: "home_shared", key: "shared", external: false, driverOpts: {} }];
    const files = { mounts: [{ ...data.mounts[0], source: "home_shared" }] };
    const backup = service("backup", files);
    const world = up(stackOf([service("web", files), backup], { volumes }));
    const after = stackOf([service("web", { ...files, ...newImage }), backup], { volumes });
    const stopped = planIn(world, after).actions.filter(({ cost }) => cost?.downtime);
    expect(stopped.map(({ service: name }) => name)).toEqual(["web"]);
  });

  test("overlaps on a volume in which it and another service keep their models", () => {
    const volumes = [{ name: "home_cache", key: "cache", external: false, driverOpts: {} }];
    const cache = { mounts: [{ ...data.mounts[0], source: "home_cache" }], models: ["qwen3:8b"] };
    const other = service("other", cache);
    const world = up(stackOf([service("web", cache), other], { volumes }));
    const after = stackOf([service("web", { ...cache, ...newImage }), other], { volumes });
    const { actions } = planIn(world, after);
    expect(actions.filter(({ cost }) => cost?.downtime)).toEqual([]);
    expect(actions.map(({ service: name }) => name)).not.toContain("other");
  });

  test("overlaps on a volume that it only reads", () => {
    const mounts = [
      { kind: "volume", source: "home_data", target: "/data", readOnly: true, external: true },
    ] as const;
    const volumes = [{ name: "home_data", key: "data", external: false, driverOpts: {} }];
    const world = up(stackOf([service("web", { mounts })], { volumes }));
    const plan = planIn(world, stackOf([service("web", { mounts, ...newImage })], { volumes }));
    expect(plan.actions.filter(({ cost }) => cost?.downtime)).toEqual([]);
  });

  test("stops first on a GPU that it has to itself", () => {
    const gpus = { kind: "auto" } as const;
    const machine = withGpus("GPU-1");
    const world = up(stackOf([service("web", { gpus })]), machine);
    const plan = planIn(world, stackOf([service("web", { gpus, ...newImage })]), machine);
    expect(plan.actions.find(({ id }) => id === "stop home-web-1")).toMatchObject({
      because: "home-web-2 replaces it, and GPU GPU-1 has no room for two",
      cost: { downtime: true, cutsStreams: true },
    });
  });

  test("overlaps on a GPU whose memory has room for two", () => {
    const wanted = { gpus: { kind: "auto" }, vramBytes: 8 * gib } as const;
    const machine = withGpus("GPU-1");
    const world = up(stackOf([service("web", wanted)]), machine);
    const plan = planIn(world, stackOf([service("web", { ...wanted, ...newImage })]), machine);
    expect(plan.actions.filter(({ cost }) => cost?.downtime)).toEqual([]);
  });

  test("gets other limits and another restart policy in place", () => {
    expect(
      changed(
        { limits: { pids: 512, memoryBytes: gib } },
        { limits: { pids: 512, memoryBytes: 2 * gib }, restart: { name: "always" } },
      ),
    ).toMatchInlineSnapshot(`
      "
      web
        update  limits of home-web-1          memory 1024 MiB → 2048 MiB
        update  restart policy of home-web-1  restart policy always from now on

      1 to change in place
      "
    `);
  });

  test("is replaced when a limit goes away, which no engine does in place", () => {
    const plan = changed({ limits: { pids: 512, memoryBytes: gib } }, {});
    expect(plan).toContain("create     home-web-2                    its memory limit goes away");
  });

  test("keeps its container when only its probe or models change", () => {
    const plan = planIn(
      up(home),
      stackOf(
        home.services.map((it) => ({
          ...it,
          probe: { path: "/", status: [200], loading: [], models: "none" },
        })),
        {
          volumes: home.volumes,
        },
      ),
    );
    expect(plan.actions.map(({ kind }) => kind)).toEqual(["configure", "await", "await"]);
  });

  test("is replaced when a secret changes", () => {
    const stack = stackOf([service("web", { secrets: [{ name: "token", file: "/t" }] })]);
    const world = up(stack, { secretDigests: { token: "1" } });
    expect(planIn(world, stack, { secretDigests: { token: "1" } }).actions).toEqual([]);
    expect(told(world, stack, { secretDigests: { token: "2" } })).toMatchInlineSnapshot(`
      "
      gateway
        configure     1 upstream                    replacements are switched to from here

      web
        seed-secrets  home-web-secrets              secrets are written before the container is created
        create        home-web-2                    its configuration changed
        start         home-web-2                    its configuration changed
        await         home-web-2 until ready        a start proves nothing
        connect       home-web-2 to home            it answers to web from now on
        switch        to http://home-web-2:8000     home-web-2 is ready
        drain         http://home-web-1:8000        open requests end where they began
        stop          home-web-1                    home-web-2 serves in its place
        remove        home-web-1                    home-web-2 serves in its place
        update        restart policy of home-web-2  restart policy unless-stopped from now on

      1 to replace; configures the gateway
      "
    `);
  });

  test("runs a job anew when it changed, one at a time", () => {
    const stack = (value: string) => stackOf([job("migrate", { environment: { TO: value } })]);
    expect(told(up(stack("1")), stack("2"))).toMatchInlineSnapshot(`
      "
      migrate
        create  home-migrate-2                  its configuration changed
        start   home-migrate-2                  its configuration changed
        await   home-migrate-2 until completed  its work has to be done
        remove  home-migrate-1                  home-migrate-2 takes its place

      1 to replace
      "
    `);
  });

  test("loses its network of its own when it may reach the outside again", () => {
    expect(changed({ egress: false }, {})).toContain("network home-internal → home");
  });
});

describe("a service that stays as it is", () => {
  const on = (name: string) => [{ service: name, condition: "ready" }] as const;
  const chain = (image: string) =>
    stackOf([
      service("models", { image: { kind: "pull", ref: image, pullPolicy: "missing" } }),
      service("adapter", { dependsOn: on("models") }),
      service("page", { dependsOn: on("adapter") }),
      service("other"),
    ]);

  test("is looked at again, once what it depends on over any number of steps has been replaced", () => {
    const { actions, unchanged } = planIn(up(chain("models:1")), chain("models:2"));
    const after = (id: string) => actions.find((action) => action.id === id)?.after;
    expect(actions.filter(({ service: name }) => name === "adapter")).toMatchObject([
      { kind: "await", because: "it depends on models, which is replaced" },
    ]);
    expect(after("await home-adapter-1")).toEqual([
      "await home-models-2",
      "connect home-models-2 home as models",
      "switch models",
      "stop home-models-1",
    ]);
    expect(after("await home-page-1")).toContain("await home-adapter-1");
    expect(unchanged).toEqual(["other"]);
  });

  test("is looked at again when what it depends on is started", () => {
    const world = withContainer(up(chain("models:1")), "home-models-1", { state: "exited" });
    expect(planIn(world, chain("models:1")).actions).toContainEqual(
      expect.objectContaining({
        id: "await home-adapter-1",
        because: "it depends on models, which is started",
      }),
    );
  });

  test("is left alone as a job that is done", () => {
    const stack = (image: string) =>
      stackOf([
        service("models", { image: { kind: "pull", ref: image, pullPolicy: "missing" } }),
        job("prepare", { dependsOn: on("models") }),
      ]);
    const { unchanged } = planIn(up(stack("models:1")), stack("models:2"));
    expect(unchanged).toEqual(["prepare"]);
  });
});

test("all that is asked over HTTP is looked at a last time where anything was done, and only there", () => {
  const stack = stackOf([
    service("web", { ready: "proven" }),
    service("worker", { ready: "running" }),
  ]);
  expect(planIn(up(stack), stack).lastLook).toEqual([]);
  const changedStack = stackOf([service("web", { ready: "proven" }), service("worker", newImage)]);
  expect(planIn(up(stack), changedStack).lastLook).toMatchObject([
    { container: "home-web-1", target: { level: "ready", stableMs: 0 } },
    { container: "home-worker-2" },
  ]);
});
