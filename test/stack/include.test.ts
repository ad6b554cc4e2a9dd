import { describe, expect, test } from "vitest";
import { load, problemsOf } from "./folder.ts";

describe("includes", () => {
  const file = (name: string, include = ""): string =>
    `${include}services: {${name}: {image: 'x:1'}}\n`;

  test("services come in the order of the files, each file once", async () => {
    const { stack } = await load({
      "nexus.yaml": `name: t\n${file("a", "include: [b.yaml, c.yaml]\n")}`,
      "b.yaml": file("b", "include: [d.yaml]\n"),
      "c.yaml": file("c", "include: [./d.yaml]\n"),
      "d.yaml": file("d"),
    });
    expect(stack.services.map(({ name, origin }) => `${name} ${origin}`)).toEqual([
      expect.stringMatching(/^d .*d\.yaml:2$|^d .*d\.yaml:1$/),
      expect.stringMatching(/^b .*b\.yaml:2$/),
      expect.stringMatching(/^c .*c\.yaml:2$/),
      expect.stringMatching(/^a .*nexus\.yaml:3$/),
    ]);
  });

  test("what the including file says wins, and a later file over an earlier one", async () => {
    const { stack } = await load({
      "nexus.yaml":
        "name: t\ninclude: [b.yaml, c.yaml]\ngateway: {port: 1}\nservices: {s: {image: 'x:1', models: [m]}}",
      "b.yaml": "name: b\ngateway: {port: 2, host: 0.0.0.0, aliases: {a: m, b: m}}",
      "c.yaml": "name: c\ngateway: {observability_port: 3, host: 127.0.0.2, aliases: {b: s/x}}",
    });
    expect(stack).toMatchObject({
      name: "t",
      gateway: {
        port: 1,
        observabilityPort: 3,
        host: "127.0.0.2",
        aliases: { a: ["m"], b: ["s/x"] },
      },
    });
  });

  test("limits of several files add up, and those of the including file win", async () => {
    const { stack } = await load({
      "nexus.yaml": "include: [b.yaml]\ngateway: {heartbeat: off, timeouts: {idle: 1m}}",
      "b.yaml": "gateway: {heartbeat: 30s, timeouts: {idle: 2m, first_byte: 20m, total: off}}",
    });
    expect(stack.gateway).toMatchObject({
      heartbeatMs: 0,
      timeouts: { idleMs: 60_000, firstByteMs: 1_200_000, totalMs: 0 },
    });
  });

  test("a missing file, a circle and a service in two files are told", async () => {
    const problems = await problemsOf({
      "nexus.yaml": `name: t\n${file("a", "include: [b.yaml, none.yaml]\n")}`,
      "b.yaml": file("a", "include: [c.yaml]\n"),
      "c.yaml": "include: [b.yaml]\n",
    });
    expect(problems.map((problem) => problem.replaceAll(/\S*\/(?=\w+\.yaml)/g, ""))).toEqual([
      "c.yaml:1:11 include[0]: includes go round in a circle: b.yaml → c.yaml → b.yaml",
      "nexus.yaml:2:19 include[1]: there is no file none.yaml",
      "nexus.yaml:3:12 services.a: is defined in b.yaml:2 as well: give one of them another name",
    ]);
  });

  test("problems in an included file are told at their place there", async () => {
    const problems = await problemsOf({
      "nexus.yaml": "include: [sub/b.yaml]",
      "sub/b.yaml": "\nservices: {b: {imge: x}}",
    });
    expect(problems[0]).toMatch(/sub\/b\.yaml:2:16 services\.b\.imge/);
  });
});
