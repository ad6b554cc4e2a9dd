import { describe, expect, test } from "vitest";
import { external, image, job, service, stackOf, volume } from "../support/builders.ts";
import { appliedAll, emptyWorld } from "./model.ts";
import { home, planIn, told } from "./scenario.ts";

describe("a fresh start", () => {
  test("makes everything, the gateway beside the services, and waits until all are ready", () => {
    expect(told(emptyWorld, home)).toMatchInlineSnapshot(`
      "
      shared
        create-network  home                              it is not on this engine yet
        create-volume   home_ollama                       it is not on this engine yet

      gateway
        build-gateway   nexus-gateway:abc                 it is not on this engine yet
        create-volume   home-gateway                      it is not on this engine yet
        create          home-gateway-1                    it has no container yet
        start           home-gateway-1                    it has no container yet
        await           home-gateway-1 until ready        a start proves nothing
        update          restart policy of home-gateway-1  restart policy unless-stopped from now on
        configure       2 upstreams                       it has to know the services
        create-key      .nexus/secrets/default.key        without a key it serves nobody

      ollama
        pull            ollama:1                          it is not on this engine yet (downloads)
        create          home-ollama-1                     it has no container yet
        start           home-ollama-1                     it has no container yet
        await           home-ollama-1 until reachable     models are fetched through it
        pull-model      llama3.2:3b                       the model is declared and not known to be there (downloads)
        pull-model      nomic-embed-text                  the model is declared and not known to be there (downloads)
        await           home-ollama-1 until ready         a start proves nothing
        update          restart policy of home-ollama-1   restart policy unless-stopped from now on

      rag
        pull            rag:1                             it is not on this engine yet (downloads)
        create          home-rag-1                        it has no container yet
        start           home-rag-1                        it has no container yet
        await           home-rag-1 until ready            a start proves nothing
        update          restart policy of home-rag-1      restart policy unless-stopped from now on

      3 to create; pulls 2 images; builds 1 image; fetches 2 models
      "
    `);
  });

  test("lets every service wait only for what it needs", () => {
    const { actions } = planIn(emptyWorld, home);
    const after = Object.fromEntries(actions.map((action) => [action.id, action.after]));
    expect(after).toMatchInlineSnapshot(`
      {
        "await home-gateway-1": [
          "start home-gateway-1",
        ],
        "await home-ollama-1": [
          "start home-ollama-1",
          "await home-gateway-1",
          "await home-ollama-1 reachable",
          "pull-model ollama llama3.2:3b",
          "pull-model ollama nomic-embed-text",
        ],
        "await home-ollama-1 reachable": [
          "start home-ollama-1",
          "await home-gateway-1",
        ],
        "await home-rag-1": [
          "start home-rag-1",
          "await home-gateway-1",
        ],
        "build-gateway nexus-gateway:abc": [],
        "configure gateway": [
          "await home-gateway-1",
        ],
        "create home-gateway-1": [
          "build-gateway nexus-gateway:abc",
          "create-volume home-gateway",
          "create-network home",
        ],
        "create home-ollama-1": [
          "pull ollama:1",
          "create-volume home_ollama",
          "create-network home",
        ],
        "create home-rag-1": [
          "pull rag:1",
          "create-network home",
        ],
        "create-key default": [
          "await home-gateway-1",
        ],
        "create-network home": [],
        "create-volume home-gateway": [],
        "create-volume home_ollama": [],
        "pull ollama:1": [],
        "pull rag:1": [],
        "pull-model ollama llama3.2:3b": [
          "await home-ollama-1 reachable",
        ],
        "pull-model ollama nomic-embed-text": [
          "await home-ollama-1 reachable",
        ],
        "start home-gateway-1": [
          "create home-gateway-1",
          "create-network home",
        ],
        "start home-ollama-1": [
          "create home-ollama-1",
          "create-network home",
        ],
        "start home-rag-1": [
          "create home-rag-1",
          "create-network home",
          "await home-ollama-1",
        ],
        "update home-gateway-1 restart": [
          "start home-gateway-1",
          "await home-gateway-1",
        ],
        "update home-ollama-1 restart": [
          "start home-ollama-1",
          "await home-ollama-1",
        ],
        "update home-rag-1 restart": [
          "start home-rag-1",
          "await home-rag-1",
        ],
      }
    `);
  });

  test("does not wait for the gateway where a service does not speak HTTP", () => {
    const { port: _port, probe: _probe, ...worker } = service("worker", { ready: "running" });
    const { actions } = planIn(emptyWorld, stackOf([worker]));
    expect(actions.find(({ id }) => id === "await home-worker-1")?.after).toEqual([
      "start home-worker-1",
    ]);
  });

  test("fetches an image once that two services share", () => {
    const same = { image: { kind: "pull", ref: "vllm:1", pullPolicy: "missing" } } as const;
    const plan = planIn(emptyWorld, stackOf([service("chat", same), service("embed", same)]));
    const pulls = plan.actions.filter(({ kind }) => kind === "pull");
    expect(pulls.map(({ id, service: whose }) => [id, whose])).toEqual([
      ["pull vllm:1", undefined],
    ]);
  });

  test("never runs an image for another processor that a refused pull left behind: it is pulled, and refused, again", () => {
    const images = { "web:1": image("web", { architecture: "arm64" }) };
    const world = { ...emptyWorld, observed: { ...emptyWorld.observed, images } };
    const { actions } = planIn(world, stackOf([service("web")]));
    expect(actions.find(({ id }) => id === "pull web:1")).toMatchObject({
      because: "the one here is for arm64, the engine runs amd64",
    });
    expect(actions.find(({ id }) => id === "create home-web-1")?.after).toContain("pull web:1");
  });

  test("runs a job before the service that needs it completed", () => {
    const stack = stackOf([
      job("migrate"),
      service("web", { dependsOn: [{ service: "migrate", condition: "completed" }] }),
    ]);
    const { actions } = planIn(emptyWorld, stack);
    expect(actions.find(({ id }) => id === "start home-web-1")?.after).toContain(
      "await home-migrate-1",
    );
    expect(actions.filter(({ id }) => id.startsWith("update home-migrate"))).toEqual([]);
  });

  test("writes secrets into their volume before the container is created", () => {
    const secrets = [{ name: "token", file: "/home/me/.nexus/secrets/token" }];
    expect(told(emptyWorld, stackOf([service("hub", { secrets, user: "1000" })])))
      .toMatchInlineSnapshot(`
      "
      shared
        create-network  home                              it is not on this engine yet

      gateway
        build-gateway   nexus-gateway:abc                 it is not on this engine yet
        create-volume   home-gateway                      it is not on this engine yet
        create          home-gateway-1                    it has no container yet
        start           home-gateway-1                    it has no container yet
        await           home-gateway-1 until ready        a start proves nothing
        update          restart policy of home-gateway-1  restart policy unless-stopped from now on
        configure       1 upstream                        it has to know the services
        create-key      .nexus/secrets/default.key        without a key it serves nobody

      hub
        pull            hub:1                             it is not on this engine yet (downloads)
        create-volume   home-hub-secrets                  it is not on this engine yet
        seed-secrets    home-hub-secrets                  secrets are written before the container is created
        create          home-hub-1                        it has no container yet
        start           home-hub-1                        it has no container yet
        await           home-hub-1 until ready            a start proves nothing
        update          restart policy of home-hub-1      restart policy unless-stopped from now on

      2 to create; pulls 1 image; builds 1 image
      "
    `);
  });

  test("gives a service without egress, and those it talks to, a network without a way out", () => {
    const stack = stackOf([
      service("ocr", { egress: false, dependsOn: [{ service: "ollama", condition: "ready" }] }),
      service("ollama"),
      service("web"),
    ]);
    const { actions } = planIn(emptyWorld, stack);
    const joined = actions.flatMap((action) => {
      if (action.kind === "create")
        return [`${action.container.name} in ${action.container.network.name}`];
      return action.kind === "connect" ? [`${action.container} in ${action.network}`] : [];
    });
    expect(joined).toMatchInlineSnapshot(`
      [
        "home-gateway-1 in home",
        "home-gateway-1 in home-internal",
        "home-ocr-1 in home-internal",
        "home-ollama-1 in home",
        "home-ollama-1 in home-internal",
        "home-web-1 in home",
      ]
    `);
    expect(actions.find(({ id }) => id === "create-network home-internal")).toMatchObject({
      network: { internal: true },
    });
  });

  test("builds what is built here, under a tag that names its content", () => {
    const build = {
      context: "/home/me/ocr",
      dockerfile: "Dockerfile",
      args: {},
      contentHash: "abc",
    };
    const stack = stackOf([
      service("ocr", { image: { kind: "build", ref: "nexus-home-ocr:abc", build } }),
    ]);
    const { actions } = planIn(emptyWorld, stack);
    expect(actions.find(({ id }) => id === "create home-ocr-1")?.after).toContain(
      "build nexus-home-ocr:abc",
    );
  });

  test("waits for an endpoint that Nexus does not run, through the gateway", () => {
    expect(told(emptyWorld, stackOf([external("mlx")]))).toMatchInlineSnapshot(`
      "
      shared
        create-network  home                              it is not on this engine yet

      gateway
        build-gateway   nexus-gateway:abc                 it is not on this engine yet
        create-volume   home-gateway                      it is not on this engine yet
        create          home-gateway-1                    it has no container yet
        start           home-gateway-1                    it has no container yet
        await           home-gateway-1 until ready        a start proves nothing
        update          restart policy of home-gateway-1  restart policy unless-stopped from now on
        configure       1 upstream                        it has to know the services
        create-key      .nexus/secrets/default.key        without a key it serves nobody

      mlx
        await           mlx until ready                   the gateway has not judged it by this configuration

      1 to create, 1 to wait for; builds 1 image
      "
    `);
  });
});

test("a volume of the Compose project of the same name is taken over with its data", () => {
  const labels = { "com.docker.compose.project": "home" };
  const { stack: _stack, ...unowned } = volume("home_ollama", { labels });
  const world = { ...emptyWorld, observed: { ...emptyWorld.observed, volumes: [unowned] } };
  const { actions } = planIn(world, home);
  expect(actions.map(({ id }) => id)).not.toContain("create-volume home_ollama");
  expect(appliedAll(world, actions).observed.volumes).toContainEqual(unowned);
});
