import { describe, expect, test } from "vitest";
import {
  EngineLostError,
  EngineSilentError,
  EngineTlsError,
  EngineTooNewError,
  EngineTooOldError,
  PullFailedError,
  PullStalledError,
  UnsupportedLimitError,
} from "../../src/engine/errors.ts";
import { BuildFailedError } from "../../src/engine/errors/image.ts";
import { DockerClient } from "../../src/engine/docker/client.ts";
import Docker from "dockerode";
import { startFakeEngine } from "./fake-engine.ts";
import type { Answer } from "./fake-engine.ts";
import { plainRequest } from "./subject.ts";

const pulls =
  (lines: readonly object[]): Answer =>
  (call, _request, response) => {
    if (!call.startsWith("POST /images/create")) return false;
    response.end(lines.map((line) => `${JSON.stringify(line)}\r\n`).join(""));
    return true;
  };

describe("connecting", () => {
  test("names an engine that is too old", async () => {
    await using fake = await startFakeEngine((call, _request, response) => {
      if (call !== "GET /_ping") return false;
      response.setHeader("Api-Version", "1.39").end("OK");
      return true;
    });

    await expect(fake.connect()).rejects.toThrow(EngineTooOldError);
  });

  test("speaks the agreed version in every call", async () => {
    const paths: string[] = [];
    await using fake = await startFakeEngine((_call, request) => {
      paths.push(request.url ?? "");
      return false;
    });
    const engine = await fake.connect();

    await engine.describe();

    expect(paths).toEqual(["/_ping", "/v1.41/info"]);
    engine.close();
  });

  test("to an engine that has outgrown us says so, in plain text as it comes", async () => {
    await using fake = await startFakeEngine((call, _request, response) => {
      if (call !== "GET /info") return false;
      response
        .writeHead(400)
        .end("client version 1.41 is too old. Minimum supported API version is 1.60");
      return true;
    });
    const engine = await fake.connect();

    await expect(engine.describe()).rejects.toThrow(EngineTooNewError);
  });

  test("without TLS to an engine that wants it says so", async () => {
    await using fake = await startFakeEngine((_call, _request, response) => {
      response.writeHead(400).end("Client sent an HTTP request to an HTTPS server.\n");
      return true;
    });

    await expect(fake.connect()).rejects.toThrow(EngineTlsError);
  });
});

describe("a call", () => {
  test("that is never answered ends with the call's name", async () => {
    await using fake = await startFakeEngine(() => true);
    const client = new DockerClient({
      docker: new Docker({ socketPath: fake.socketPath }),
      endpoint: "here",
    });

    const waiting = client.write("update container x", async (docker) => docker.info(), 50);

    await expect(waiting).rejects.toThrow(EngineSilentError);
    await expect(waiting).rejects.toThrow('"update container x"');
  });

  test("that is cut means that the engine was lost", async () => {
    await using fake = await startFakeEngine((call, request) => {
      if (!call.includes("/start")) return false;
      request.socket.destroy();
      return true;
    });
    const engine = await fake.connect();

    await expect(engine.containers.start("c1")).rejects.toThrow(EngineLostError);
  });

  test("for events that end by themselves means that the engine was lost", async () => {
    await using fake = await startFakeEngine((call, _request, response) => {
      if (!call.startsWith("GET /events")) return false;
      response.end();
      return true;
    });
    const engine = await fake.connect();

    const watching = Array.fromAsync(engine.events("home", new AbortController().signal));

    await expect(watching).rejects.toThrow(EngineLostError);
  });
});

describe("a container", () => {
  test("that would run without its limits is refused and removed", async () => {
    const Warnings = [
      "Your kernel does not support memory limit capabilities. Limitation discarded.",
    ];
    await using fake = await startFakeEngine((call, _request, response) => {
      if (call.startsWith("POST /containers/create"))
        response.writeHead(201).end(JSON.stringify({ Id: "c1", Warnings }));
      else if (call.startsWith("DELETE /containers/c1")) response.writeHead(204).end();
      else return false;
      return true;
    });
    const engine = await fake.connect();

    const created = engine.containers.create({ ...plainRequest("home"), image: "x:1" }, "n1");

    await expect(created).rejects.toThrow(UnsupportedLimitError);
    expect(fake.calls.at(-1)).toMatch(/^DELETE \/containers\/c1\?force=true/);
  });
});

describe("a build", () => {
  /** An engine that says it built `one`, and that knows these images by now. */
  const builds =
    (images: Readonly<Record<string, string>>): Answer =>
    (call, request, response) => {
      const [, asked] = /^GET \/images\/(.+)\/json/.exec(decodeURIComponent(call)) ?? [];
      if (call.startsWith("POST /build")) {
        request.resume();
        response.end(`${JSON.stringify({ aux: { ID: "sha256:one" } })}\r\n`);
      } else if (asked === undefined) return false;
      else if (images[asked] === undefined) response.writeHead(404).end("{}");
      else response.end(JSON.stringify({ Id: images[asked], Architecture: "amd64", Os: "linux" }));
      return true;
    };

  const build = async (images: Readonly<Record<string, string>>) => {
    await using fake = await startFakeEngine(builds(images));
    const engine = await fake.connect();
    const entries = [{ path: "Dockerfile", mode: 0o644, content: "FROM scratch\n" }];
    return await Array.fromAsync(engine.images.assemble({ ref: "x:1", entries, labels: {} }));
  };

  test("whose name went to the image of somebody who built the same meanwhile has succeeded", async () => {
    const images = { "x:1": "sha256:two", "sha256:one": "sha256:one" };
    await expect(build(images)).resolves.toEqual([]);
  });

  test("that leaves nothing behind is a failure, whatever the engine says", async () => {
    await expect(build({})).rejects.toThrow(BuildFailedError);
    await expect(build({ "x:1": "sha256:two" })).rejects.toThrow(BuildFailedError);
  });
});

describe("a pull", () => {
  test("that fails in the middle of a good answer is a failure", async () => {
    const message = "filesystem layer verification failed for digest sha256:1";
    await using fake = await startFakeEngine(
      pulls([
        { status: "Downloading", id: "a" },
        { errorDetail: { message }, error: message },
      ]),
    );
    const engine = await fake.connect();

    await expect(Array.fromAsync(engine.images.pull("x:1"))).rejects.toThrow(message);
  });

  test("that ends without a word is a failure", async () => {
    await using fake = await startFakeEngine(pulls([{ status: "Downloading", id: "a" }]));
    const engine = await fake.connect();

    await expect(Array.fromAsync(engine.images.pull("x:1"))).rejects.toThrow(PullFailedError);
  });

  test("that ends well and leaves no image is a failure", async () => {
    await using fake = await startFakeEngine(pulls([{ status: "Status: Downloaded newer image" }]));
    const engine = await fake.connect();

    await expect(Array.fromAsync(engine.images.pull("x:1"))).rejects.toThrow(
      "does not have it afterwards",
    );
  });

  test("that falls silent is given up and tried once more", async () => {
    await using fake = await startFakeEngine((call, _request, response) => {
      if (!call.startsWith("POST /images/create")) return false;
      response.write('{"status":"Pulling fs layer","id":"a"}\n');
      return true;
    });
    const engine = await fake.connect(50);

    await expect(Array.fromAsync(engine.images.pull("x:1"))).rejects.toThrow(PullStalledError);
    expect(
      fake.calls.filter((call) => call === "POST /images/create?fromImage=x&tag=1"),
    ).toHaveLength(2);
  });

  test("that is no longer wanted is stopped on the engine", async () => {
    const closed = Promise.withResolvers<void>();
    await using fake = await startFakeEngine((call, request, response) => {
      if (!call.startsWith("POST /images/create")) return false;
      request.socket.once("close", () => closed.resolve());
      response.write('{"status":"Pulling fs layer","id":"a"}\n');
      return true;
    });
    const engine = await fake.connect(60_000);

    for await (const progress of engine.images.pull("x:1")) {
      expect(progress.layers).toBe(1);
      break;
    }

    await closed.promise;
  });
});
