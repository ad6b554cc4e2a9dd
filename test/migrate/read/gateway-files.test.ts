import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readAgentSpecs } from "../../../src/migrate/read/agent-specs.ts";
import { readModelAliases } from "../../../src/migrate/read/model-aliases.ts";
import { readTokenPolicies } from "../../../src/migrate/read/token-policies.ts";
import { readToolsRegistry } from "../../../src/migrate/read/tools-registry.ts";
import { readUserPolicy } from "../../../src/migrate/read/user-policy.ts";
import { readVoiceIndex } from "../../../src/migrate/read/voice-index.ts";
import type { Reader } from "../../../src/migrate/reading.ts";

const at = { host: "ai2", file: "/f.json" };

function read<Value>(reader: Reader<Value>, document: unknown) {
  const text = typeof document === "string" ? document : JSON.stringify(document);
  const { found, notUnderstood } = reader(Buffer.from(text), at);
  return { found, notes: notUnderstood.map(({ what, why }) => `${what} ${why}`) };
}

describe("aliases", () => {
  const template = {
    default: { backend: "ollama", model: "llama3.3:70b", context: 40000, tools: true },
    fast: { backend: "ollama", model: "qwen2.5:7b", context: 8000, tools: false },
  };
  const found = Object.entries(template).map(([name, alias]) => ({
    name,
    at: { ...at, line: 1 },
    ...alias,
  }));

  it("are read with `aliases` around them and without", () => {
    expect(read(readModelAliases, { aliases: template })).toEqual({ found, notes: [] });
    expect(read(readModelAliases, template)).toEqual({ found, notes: [] });
  });

  it("are read from texts and from every name that a key ever had", () => {
    const { found: aliases, notes } = read(readModelAliases, {
      " Coder ": "ollama:qwen3:30b",
      long: { backend: "mlx", upstream_model: "mlx:org/m", window: 65536, temp_cap: 0 },
      capped: {
        backend: "vllm",
        model: "m",
        max_output_tokens: 10,
        temperature_cap: 0.5,
        soul: "x",
      },
    });
    expect(aliases).toMatchObject([
      { name: "coder", backend: "ollama", model: "qwen3:30b" },
      { name: "long", backend: "mlx", model: "org/m", context: 65536, temperature: 0 },
      { name: "capped", maxTokens: 10, temperature: 0.5 },
    ]);
    expect(notes).toEqual(["aliases.capped.soul is nothing that an alias has here."]);
  });

  it("that are broken are noted, and do not lose the others", () => {
    const { found: aliases, notes } = read(readModelAliases, {
      aliases: {
        a: 1,
        b: "no-backend",
        c: { backend: "ollama" },
        __proto__x: "mlx:m",
        D: "mlx:1",
        d: "mlx:2",
      },
      version: 2,
    });
    expect(aliases.map(({ name, model }) => `${name} ${model}`)).toEqual(["__proto__x m", "d 2"]);
    expect(notes).toEqual([
      "version stands beside `aliases`: it was never read.",
      ...["a", "b", "c"].map(
        (name) =>
          `aliases.${name} is neither \`backend:model\` nor a map with both: the old gateway dropped it.`,
      ),
      "aliases.d is the same name again: the last one counts.",
    ]);
  });
});

describe("policies of tokens", () => {
  it("keep the token secret, the addresses as a list, and what is for tools as it is", () => {
    const { found, notes } = read(readTokenPolicies, {
      "tok-admin-123": {
        ip_allowlist: "127.0.0.1, 10.0.0.0/8",
        max_request_bytes: 1_000_000,
        tools_allowlist: "noop",
        tools_rate_limit_rps: 0,
      },
    });
    expect(found.map(({ token, policy }) => [token.reveal(), policy])).toEqual([
      [
        "tok-admin-123",
        {
          ipAllowlist: ["127.0.0.1", "10.0.0.0/8"],
          maxRequestBytes: 1_000_000,
          tools: { tools_allowlist: "noop", tools_rate_limit_rps: 0 },
        },
      ],
    ]);
    expect(notes).toEqual([]);
    expect(JSON.stringify(found)).not.toContain("tok-admin");
  });

  it.each([
    ["1.2.3.4,nonsense", ["1.2.3.4"], 1],
    ["nonsense,1.2.3.4/33,::1/129,1.2.3.4/8/8", ["0.0.0.0/32"], 2],
    [",", ["0.0.0.0/32"], 1],
    ["", undefined, 0],
    [["1.2.3.4"], undefined, 1],
    ["fd00::/8,::1", ["fd00::/8", "::1"], 0],
  ])("let in whom the old gateway let in: %j", (list, expected, count) => {
    const { found, notes } = read(readUserPolicy, { ip_allowlist: list });
    expect(found.ipAllowlist).toEqual(expected);
    expect(notes).toHaveLength(count);
  });

  it("never show a token in a note", () => {
    const text = '{"tok-a": 1, "tok-b": {"odd": 1, "max_request_bytes": "x"}, "tok-b": {}';
    expect(JSON.stringify(read(readTokenPolicies, text))).not.toContain("tok-");
    expect(JSON.stringify(read(readTokenPolicies, `${text}}`))).not.toContain("tok-");
    expect(read(readTokenPolicies, '{"t": 1}').notes[0]).toContain("policies[0]");
  });
});

describe("tools", () => {
  const echo = {
    name: "echo",
    version: "1",
    description: "Example",
    parameters: { type: "object", properties: { msg: { type: "string" } } },
    exec: { type: "subprocess", argv: ["python3", "-c", "import sys"], timeout_sec: 5 },
  };
  const withArgv = (...argv: string[]) => ({ ...echo, exec: { type: "subprocess", argv } });

  it("are kept whole, and flagged when they name files of their host", () => {
    const { found, notes } = read(readToolsRegistry, {
      tools: [
        echo,
        { ...withArgv("/usr/bin/python3", "x"), name: "unix" },
        { ...withArgv("python", "c:\\Users\\paper\\Code\\x.py"), name: "windows" },
        { ...withArgv("run", "--file=/opt/x"), name: "option" },
        { ...withArgv("curl", "http://ada2:9920/v1"), name: "url" },
        { ...echo, name: "cwd", exec: { ...echo.exec, cwd: "/var/lib/gateway/tools" } },
      ],
    });
    expect(notes).toEqual([]);
    expect(found[0]).toEqual({
      at: { ...at, line: 1 },
      name: "echo",
      version: "1",
      description: "Example",
      parameters: echo.parameters,
      argv: ["python3", "-c", "import sys"],
      timeoutSeconds: 5,
      hostPath: false,
    });
    expect(found.filter(({ hostPath }) => hostPath).map(({ name }) => name)).toEqual([
      "unix",
      "windows",
      "option",
      "cwd",
    ]);
  });

  it("that are broken are noted, and do not lose the others", () => {
    const { found, notes } = read(readToolsRegistry, {
      tools: [1, { ...echo, version: 2 }, { ...echo, exec: { type: "http" } }, echo, echo],
    });
    expect(found.map(({ name }) => name)).toEqual(["echo"]);
    expect(notes.map((note) => note.split(" ", 1)[0])).toEqual([
      "tools[0]",
      "tools[1].version",
      "tools[1]",
      "tools[2]",
      "tools[4]",
    ]);
  });

  it("of a file that is no JSON are none, and the line is said", () => {
    const text = JSON.stringify({ tools: [echo] }, undefined, 2);
    const { found, notes } = read(readToolsRegistry, text.slice(0, -1));
    expect(found).toEqual([]);
    expect(notes[0]).toMatch(/^the file is not valid JSON: at line \d+, column \d+, /);
  });
});

it("agents have what the old gateway took for what they do not say", () => {
  const { found, notes } = read(readAgentSpecs, {
    default: { model: "fast" },
    music: { model: "default", tier: 1, tools_allowlist: ["heartmula_generate"], mood: 1 },
    broken: { tier: 1 },
    odd: [],
  });
  expect(found).toMatchObject([
    { name: "default", tier: 0, maxTurns: 8, maxSeconds: 60, maxToolBytes: 2_000_000 },
    { name: "music", tier: 1, tools: ["heartmula_generate"] },
  ]);
  expect(notes.map((note) => note.split(" ", 1)[0])).toEqual([
    "agents.music.mood",
    "agents.broken",
    "agents.odd",
  ]);
});

it("voices are those with a checksum and a file beside the index", () => {
  const sha256 = "a".repeat(64);
  const voice = {
    id: "anna_aaa",
    name: "anna",
    filename: "anna_aaa.wav",
    mime: "audio/wav",
    bytes: 9,
    sha256,
  };
  const { found, notes } = read(readVoiceIndex, {
    [sha256]: voice,
    ["b".repeat(64)]: { ...voice, sha256: "b".repeat(64), filename: "../../etc/passwd" },
    ["c".repeat(64)]: voice,
    short: voice,
  });
  expect(found).toMatchObject([{ id: "anna_aaa", file: "anna_aaa.wav", bytes: 9, sha256 }]);
  expect(notes).toHaveLength(3);
});

it.each([
  ["aliases", readModelAliases],
  ["policies", readTokenPolicies],
  ["a policy", readUserPolicy],
  ["tools", readToolsRegistry],
  ["agents", readAgentSpecs],
  ["voices", readVoiceIndex],
] as readonly [string, Reader<unknown>][])("no JSON makes the reader of %s throw", (_, reader) => {
  const key = fc.constantFrom(
    "aliases",
    "tools",
    "name",
    "exec",
    "argv",
    "model",
    "backend",
    "ip_allowlist",
    "__proto__",
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.jsonValue({ maxDepth: 1 }),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.array(fc.tuple(key, tie("value")), { maxLength: 4 }).map(Object.fromEntries),
    ),
  }));
  fc.assert(
    fc.property(value, (document) => {
      expect(reader(Buffer.from(JSON.stringify(document)), at).notUnderstood).toBeInstanceOf(Array);
    }),
  );
});
