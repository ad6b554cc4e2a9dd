import { describe, expect, test } from "vitest";
import { image, job, service, stackOf } from "../support/builders.ts";
import { readinessIn } from "./model.ts";
import { home, ollama, planIn, told, up, withContainer } from "./scenario.ts";

describe("a second time", () => {
  test("changes nothing", () => {
    expect(told(up(home), home)).toMatchInlineSnapshot(`
      "
      Nothing to change: 2 services as wanted.
      "
    `);
  });

  test("never runs a completed job again", () => {
    const stack = stackOf([job("migrate")]);
    expect(planIn(up(stack), stack)).toMatchObject({ actions: [], unchanged: ["migrate"] });
  });

  test("runs a job again that failed", () => {
    const stack = stackOf([job("migrate")]);
    const failed = withContainer(up(stack), "home-migrate-1", { state: "exited", exitCode: 3 });
    expect(told(failed, stack)).toMatchInlineSnapshot(`
      "
      migrate
        start  home-migrate-1                  it exited with code 3
        await  home-migrate-1 until completed  its work has to be done

      1 to start
      "
    `);
  });

  test("needs no image that was cleared away while its containers run", () => {
    const world = up(home);
    const bare = { ...world, observed: { ...world.observed, images: {} } };
    expect(planIn(bare, home).actions).toEqual([]);
  });

  test("waits for a service that the gateway does not find ready", () => {
    const world = up(home);
    const now = readinessIn(world);
    const services = now?.services.map((it) =>
      it.id === "rag" ? { ...it, state: "loading" as const, detail: "GET /readyz says 503" } : it,
    );
    const readiness = now && services && { ...now, services };
    const gateway = { image: "nexus-gateway:abc", ...(readiness && { readiness }) };
    expect(told(world, home, { gateway })).toMatchInlineSnapshot(`
      "
      rag
        await  home-rag-1 until ready  GET /readyz says 503

      1 to wait for, 1 unchanged
      "
    `);
  });

  test("proves a running service whose level was raised, once, and leaves its container alone", () => {
    const raised = stackOf([service("rag", { port: 8080, ready: "proven" })]);
    const before = stackOf([service("rag", { port: 8080 })]);
    expect(told(up(before), raised)).toMatchInlineSnapshot(`
      "
      rag
        await  home-rag-1 until proven  no real request has proven it since the gateway started

      1 to wait for
      "
    `);
    expect(planIn(up(raised, {}, up(before)), raised).actions).toEqual([]);
    expect(planIn(up(raised), before).actions).toEqual([]);
  });

  test("waits for all services when the gateway cannot be asked", () => {
    const plan = planIn(up(home), home, { gateway: { image: "nexus-gateway:abc" } });
    expect(plan.actions.map(({ id }) => id)).toEqual([
      "await home-gateway-1",
      "configure gateway",
      "create-key default",
      "await home-ollama-1 reachable",
      "pull-model ollama llama3.2:3b",
      "pull-model ollama nomic-embed-text",
      "await home-ollama-1",
      "await home-rag-1",
    ]);
  });

  test("fetches a model that was added, and leaves the container alone", () => {
    const more = stackOf(
      [{ ...ollama, models: [...ollama.models, "qwen3:8b"] }, ...home.services.slice(1)],
      {
        volumes: home.volumes,
      },
    );
    expect(told(up(home), more)).toMatchInlineSnapshot(`
      "
      gateway
        configure   2 upstreams                    services, models or aliases changed

      ollama
        await       home-ollama-1 until reachable  models are fetched through it
        pull-model  qwen3:8b                       the model is declared and not known to be there (downloads)
        await       home-ollama-1 until ready      the gateway has not judged it by this configuration

      rag
        await       home-rag-1 until ready         the gateway has not judged it by this configuration

      2 to wait for; configures the gateway; fetches 1 model
      "
    `);
  });

  test("takes `llama3.2` and `llama3.2:latest` for the same model", () => {
    const stack = (model: string) =>
      stackOf([service("ollama", { modelPull: "ollama", models: [model] })]);
    const plan = planIn(up(stack("llama3.2:latest")), stack("llama3.2"));
    expect(plan.actions.map(({ kind }) => kind)).not.toContain("pull-model");
  });

  test("leaves the others unasked when a service is added", () => {
    const more = { ...home, services: [...home.services, service("tts")] };
    const plan = planIn(up(home), more);
    expect(plan.unchanged).toEqual(["ollama", "rag"]);
    expect(plan.actions.map(({ service: whose }) => whose)).not.toContain("ollama");
  });

  test("fetches images anew when asked, and replaces what they changed only then", () => {
    const world = up(home);
    const asked = planIn(world, home, { pull: "always" });
    expect(asked.actions.map(({ id }) => id)).toEqual(["pull ollama:1", "pull rag:1"]);
    const images = { ...world.observed.images, "rag:1": image("newer") };
    const pulled = { ...world, observed: { ...world.observed, images } };
    expect(told(pulled, home, { pull: "missing" })).toMatchInlineSnapshot(`
      "
      gateway
        configure  2 upstreams                   replacements are switched to from here

      rag
        create     home-rag-2                    rag:1 was fetched anew since
        start      home-rag-2                    rag:1 was fetched anew since
        await      home-rag-2 until ready        a start proves nothing
        connect    home-rag-2 to home            it answers to rag from now on
        switch     to http://home-rag-2:8000     home-rag-2 is ready
        drain      http://home-rag-1:8000        open requests end where they began
        stop       home-rag-1                    home-rag-2 serves in its place
        remove     home-rag-1                    home-rag-2 serves in its place
        update     restart policy of home-rag-2  restart policy unless-stopped from now on

      1 to replace, 1 unchanged; configures the gateway
      "
    `);
  });

  test("creates a volume that is missing, and no other", () => {
    const plan = planIn(up(home), {
      ...home,
      volumes: [...home.volumes, { name: "home_new", key: "new", external: false, driverOpts: {} }],
    });
    expect(plan.actions.map(({ id }) => id)).toEqual(["create-volume home_new"]);
  });

  test("says so when a volume has another driver than the one wanted, and keeps it", () => {
    const volumes = [
      { name: "home_ollama", key: "ollama", external: false, driver: "nfs", driverOpts: {} },
    ];
    const plan = planIn(up(home), { ...home, volumes });
    expect(plan.actions).toEqual([]);
    expect(plan.warnings).toEqual([
      "volume home_ollama keeps its driver local (nfs is wanted): Nexus never recreates data",
    ]);
  });
});
