import { expect, test } from "vitest";
import {
  ImageNotFoundError,
  RegistryUnreachableError,
  VolumeInUseError,
} from "../../src/engine/errors.ts";
import { setUpBench } from "./subject.ts";
import type { Bench, Subject } from "./subject.ts";

/** What an engine promises of networks, volumes and images. */
export function describeResources(subject: Subject): void {
  const bench = setUpBench(subject);
  describeNetworks(bench);
  describeVolumes(bench);
  describeImages(bench, subject.image);
}

function describeNetworks(bench: Bench): void {
  test("a network that exists is not made twice, not even by many at once", async () => {
    const request = { name: `${bench.stack}-internal`, stack: bench.stack, internal: true };

    const ids = await Promise.all(
      [1, 2, 3, 4].map(async () => bench.engine.networks.create(request)),
    );
    const kept = await bench.engine.networks.create(request);

    expect(ids).toContain(kept);
    const { networks } = await bench.engine.observe(bench.stack, []);
    expect(networks.filter(({ name }) => name === request.name)).toEqual([
      { id: kept, name: request.name, stack: bench.stack, internal: true, containers: [] },
    ]);
  });

  test("containers join and leave networks, and doing it twice changes nothing", async () => {
    const { networks } = bench.engine;
    const request = { name: `${bench.stack}-internal`, stack: bench.stack, internal: true };
    const second = await networks.create(request);
    const id = await bench.run({ do: "stay" });
    const names = async () =>
      (await bench.engine.containers.inspect(id))?.networks.map(({ name }) => name).toSorted();

    await networks.connect(second, id, ["llm"]);
    await networks.connect(second, id, ["llm"]);
    expect(await names()).toEqual([bench.stack, request.name]);

    await networks.disconnect(second, id);
    await networks.disconnect(second, id);
    expect(await names()).toEqual([bench.stack]);
  });

  test("a network in use stays, a free one goes, and one that is gone is no failure", async () => {
    const id = await bench.run({ do: "stay" });
    expect(await bench.engine.networks.remove(bench.network)).toBe("in-use");
    const { networks } = await bench.engine.observe(bench.stack, []);
    expect(networks[0]?.containers).toEqual([id]);

    await bench.engine.containers.remove(id);
    expect(await bench.engine.networks.remove(bench.network)).toBe("removed");
    expect(await bench.engine.networks.remove(bench.network)).toBe("removed");
  });
}

function describeVolumes(bench: Bench): void {
  test("of many who create a volume one wins, and all see its labels", async () => {
    const name = `${bench.stack}-lock`;
    const create = async (owner: string) =>
      bench.engine.volumes.create({ name, stack: bench.stack, driverOpts: {}, labels: { owner } });

    const volumes = await Promise.all(["a", "b", "c"].map(create));

    expect(new Set(volumes.map(({ labels }) => labels["owner"])).size).toBe(1);
    expect(volumes[0]).toMatchObject({ name, stack: bench.stack, driver: "local" });
    expect(await bench.engine.volumes.inspect(name)).toMatchObject({ labels: volumes[0]?.labels });
    const listed = await bench.engine.volumes.list(`io.nexus.stack=${bench.stack}`);
    expect(listed.map((volume) => volume.name)).toEqual([name]);
  });

  test("a volume of no stack makes no stack, and is seen by all", async () => {
    const name = `${bench.stack}-cordon`;
    const label = `io.nexus.cordon=${name}`;
    await bench.engine.volumes.create({
      name,
      driverOpts: {},
      labels: { "io.nexus.cordon": name },
    });
    const [listed] = await bench.engine.volumes.list(label);
    const { volumes } = await bench.engine.observe(bench.stack, []);
    await bench.engine.volumes.remove(name);

    expect(listed).toMatchObject({ name });
    expect(listed).not.toHaveProperty("stack");
    expect(volumes.map((volume) => volume.name)).toContain(name);
    expect(await bench.engine.volumes.list(label)).toEqual([]);
  });

  test("a volume in use is kept, a free one goes, and one that is gone is no failure", async () => {
    const name = `${bench.stack}_data`;
    await bench.engine.volumes.create({ name, stack: bench.stack, driverOpts: {}, labels: {} });
    const mounts = [
      { kind: "volume", source: name, target: "/data", readOnly: false, external: false },
    ] as const;
    const id = await bench.engine.containers.create(
      bench.request({ do: "stay" }, { mounts }),
      bench.network,
    );

    await expect(bench.engine.volumes.remove(name)).rejects.toThrow(VolumeInUseError);

    await bench.engine.containers.remove(id);
    expect(await bench.engine.volumes.inspect(name)).toMatchObject({ name });
    await bench.engine.volumes.remove(name);
    await bench.engine.volumes.remove(name);
    expect(await bench.engine.volumes.inspect(name)).toBeUndefined();
  });
}

function describeImages(bench: Bench, image: string): void {
  test("an image is known by its reference, an unknown one is absent", async () => {
    const { images } = await bench.engine.observe(bench.stack, [image, "nexus-test/nowhere:9"]);

    expect(Object.keys(images)).toEqual([image]);
    expect(images[image]).toEqual(await bench.engine.images.inspect(image));
  });

  test("an image that no registry has cannot be pulled", async () => {
    const failure = await Array.fromAsync(
      bench.engine.images.pull("127.0.0.1:5000/nexus-test/pause:missing"),
    ).catch((error: unknown) => error);

    expect(
      [ImageNotFoundError, RegistryUnreachableError].some((kind) => failure instanceof kind),
    ).toBe(true);
  });

  test("an image assembled from memory is there, labelled, and removed at will", async () => {
    const ref = `nexus-test/assembled:${bench.stack}`;
    const entries = [
      { path: "Dockerfile", mode: 0o644, content: "FROM scratch\nCOPY file /file\n" },
      { path: "file", mode: 0o644, source: import.meta.filename },
    ];

    await Array.fromAsync(
      bench.engine.images.assemble({ ref, entries, labels: { made: bench.stack } }),
    );

    expect(await bench.engine.images.list(`made=${bench.stack}`)).toMatchObject([
      { refs: [ref], labels: { made: bench.stack } },
    ]);
    await bench.engine.images.remove(ref);
    await bench.engine.images.remove(ref);
    expect(await bench.engine.images.inspect(ref)).toBeUndefined();
  });
}
