import { describe, expect, test } from "vitest";
import { InvalidStackError } from "../../src/stack/errors.ts";
import { load, problemsOf, stackWith } from "./folder.ts";

/** What is wrong with the service `a`, without place and path. */
async function wrongWith(keys: string): Promise<readonly string[]> {
  const problems = await problemsOf(stackWith(keys));
  return problems.map((problem) => problem.replace(/^nexus\.yaml:\d+:\d+ services\.a\.?/, ""));
}

test("all problems are told at once, each with its place, path, line and caret", async () => {
  const loading = load(
    "name: Bad\ngatway: {}\nservices:\n  a:\n    imge: x:1\n    restart: maybe\n",
  );
  await expect(loading).rejects.toThrow(InvalidStackError);
  const error = await loading.catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "NEXUS_INVALID_STACK", exitCode: 2 });
  expect((error as Error).message).toMatchInlineSnapshot(`
    "nexus.yaml is not a valid stack: 4 problems.

    nexus.yaml:1:7  name: must be lower-case letters, digits, - and _, such as home
      1 | name: Bad
        |       ^

    nexus.yaml:2:1  gatway: there is no key \`gatway\`. Did you mean \`gateway\`?
      2 | gatway: {}
        | ^

    nexus.yaml:5:5  services.a.imge: there is no key \`imge\`. Did you mean \`image\`?
      5 |     imge: x:1
        |     ^

    nexus.yaml:6:14  services.a.restart: must be no, always, unless-stopped, on-failure or on-failure:5
      6 |     restart: maybe
        |              ^"
  `);
});

describe("YAML itself", () => {
  test("a key that stands twice is an error at the second", async () => {
    expect(await problemsOf("name: t\nname: u\n")).toEqual([
      "nexus.yaml:2:1 : this key is there twice",
    ]);
  });

  test("broken YAML is told in the same shape", async () => {
    expect((await problemsOf("name: t\nservices: {a: [\n"))[0]).toMatch(
      /^nexus\.yaml:3:1 : is not valid YAML: /,
    );
  });

  test("a list or a text is no stack", async () => {
    expect(await problemsOf("- a\n")).toEqual([
      "nexus.yaml:1:1 : must be a map, starting with `services:`",
    ]);
  });

  test.each(["", "# nothing\n", "services:\n"])("%j is an empty stack", async (text) => {
    expect((await load(text)).stack.services).toEqual([]);
  });
});

describe("YAML 1.2's traps", () => {
  test.each([
    ["init: yes", "init: must be true or false: `yes` is plain text in YAML 1.2"],
    ["read_only: off", "read_only: must be true or false: `off` is plain text in YAML 1.2"],
    [
      "environment: {UMASK: 022}",
      "environment.UMASK: `022` is the decimal number 22 in YAML 1.2: put it in quotes, or write 0o22 for an octal one",
    ],
    [
      "stop_grace_period: 10",
      "stop_grace_period: must be a duration with its unit, such as 30s or 1m30s",
    ],
    ["models: [1.5]", "models[0]: must be text: put it in quotes"],
    ["command:", "command: is empty: it must be text or a list"],
  ])("%s", async (keys, problem) => {
    expect(await wrongWith(keys)).toEqual([problem]);
  });
});

describe("a value in the wrong form", () => {
  test.each([
    ["ports: ['8080']\nprot: 80", "prot: there is no key `prot`. → port"],
    [
      "ports: [1:2:3]",
      "ports[0]: `1:2:3` must be a port such as 8080:80, 127.0.0.1:8080:80/tcp or 80",
    ],
    [
      "ports: ['8000-8010:80']",
      "ports[0]: `8000-8010:80` must be a port such as 8080:80, 127.0.0.1:8080:80/tcp or 80; write one entry for each port of a range",
    ],
    ["ports: [99999]", "ports[0]: `99999` must have an IP address and ports from 1 to 65535"],
    ["ports: [{target: 80, hots_ip: x}]", "ports[0].hots_ip: there is no key `hots_ip`. → host_ip"],
    [
      "volumes: [/data]",
      "volumes[0]: must be `name:/path`, `./folder:/path` or `name:/path:ro`: an unnamed volume would be lost with its container",
    ],
    ["volumes: ['m:data']", "volumes[0]: `data` must be an absolute path inside the container"],
    ["volumes: ['m:/d:z']", "volumes[0]: `z` is not supported here: use `ro` or `rw`"],
    ["volumes: [{type: bind, target: /d}]", "volumes[0]: a bind needs a source"],
    [
      "tmpfs: '/run:exec'",
      "tmpfs: `exec` is no tmpfs option: use size=64m, mode=1777, uid=1000 or gid=1000",
    ],
    ["mem_limit: lots", "mem_limit: must be a size such as 8GiB, 512m or 1073741824"],
    ["mem_limit: 1m", "mem_limit: must be at least 6m: engines refuse less"],
    ["cpus: 0", "cpus: must be above 0"],
    ["port: 0", "port: must be at least 1"],
    ["gpus: many", "gpus: must be auto or none or all or a number or a list"],
    ["ready: redy", "ready: must be running, reachable, ready or proven; did you mean ready?"],
    [
      "provides: [chat, embeddings]",
      "provides[1]: must be chat, completion, messages, embedding, rerank, image, audio, tts, asr, video, ocr, music, realtime, tool or ui; did you mean embedding?",
    ],
    [
      "depends_on: {b: {condition: service_health}}",
      "depends_on.b.condition: must be ready, service_started, service_healthy or service_completed_successfully; did you mean service_healthy?",
    ],
    ["command: 'say \"hi'", "command: has a quote that is never closed"],
    ["healthcheck: {test: [curl]}", "healthcheck: a list must start with CMD, CMD-SHELL or NONE"],
    ["healthcheck: {interval: 5s}", "healthcheck: needs `test`, or `disable: true`"],
    [
      "labels: {io.nexus.stack: x}",
      "labels: `io.nexus.stack`: labels that start with io.nexus. or com.docker. are not yours to set",
    ],
    [
      "labels: [com.docker.compose.project=x]",
      "labels: `com.docker.compose.project`: labels that start with io.nexus. or com.docker. are not yours to set",
    ],
    [
      "models: ['a; rm -rf /']",
      "models[0]: must be a model name made of letters, digits and . _ : / @ + -",
    ],
    ["cap_add: [ALL]", "cap_add[0]: ALL is never added; name the capabilities it needs"],
    [
      "devices: [nvidia.com/gpu=all]",
      "devices[0]: `nvidia.com/gpu=all` is no path under /dev; ask for GPUs with `gpus:`",
    ],
    ["extra_hosts: [x]", "extra_hosts: `x` must be `name:ip`, with an IP address or host-gateway"],
    ["probe: health", "probe: must be a path, such as /health"],
    ["secrets: ['../key']", "secrets[0]: must be a name made of letters, digits and . _ -"],
  ])("%s", async (keys, problem) => {
    expect((await wrongWith(keys))[0]).toBe(problem);
  });
});

describe("keys of Compose that are left out on purpose", () => {
  test.each([
    ["privileged: true", /takes away the wall.*`cap_add`, `devices` or `gpus`/],
    ["network_mode: host", /Nexus makes the stack's networks/],
    ["pid: host", /takes away the wall/],
    ["ipc: host", /use `shm_size`/],
    ["container_name: x", /<stack>-<service>-<generation>/],
    ["deploy: {}", /one engine/],
    ["extends: {}", /`template`, `include`, or a YAML anchor/],
  ])("%s is refused with the reason", async (keys, reason) => {
    expect((await wrongWith(keys))[0]).toMatch(reason);
  });

  test("so are those at the top", async () => {
    expect(await problemsOf("version: '3'\nnetworks: {}\n")).toEqual([
      "nexus.yaml:1:1 version: `version` is not needed: remove it.",
      expect.stringContaining("networks: `networks` is left out"),
    ]);
  });
});

test("the value of a variable is never shown", async () => {
  const text = stackWith(
    "ports: ['${TOKEN}:80']\nvolumes: ['x:${TOKEN}']\nrestart: ${TOKEN}\ngpus: ${TOKEN}\nlabels: {a: '${TOKEN:?}'}\nmem_limit: ${TOKEN}",
  );
  const problems = await problemsOf(text, { environment: { TOKEN: "s3cret-value" } });
  expect(problems).toHaveLength(5);
  expect(problems.join()).not.toContain("s3cret");
  expect(problems[0]).toContain("`${TOKEN}:80` must be a port");
});

test("a variable that must be set is told with its message", async () => {
  expect(await wrongWith("user: ${NAME:?write it into .env}")).toContainEqual(
    "user: needs the variable NAME: write it into .env",
  );
});
