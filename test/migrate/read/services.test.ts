import { parseBuffer } from "bplist-parser";
import fc from "fast-check";
import { build, buildBinary } from "plist";
import { describe, expect, it } from "vitest";
import { argument } from "../../../src/migrate/read/argument.ts";
import { plainOf } from "../../../src/migrate/read/document.ts";
import { parseBinaryPlist } from "../../../src/migrate/read/plist-binary.ts";
import { parseXmlPlist } from "../../../src/migrate/read/plist-xml.ts";
import { readPlist } from "../../../src/migrate/read/plist.ts";
import { readUnit } from "../../../src/migrate/read/systemd-unit.ts";
import { bytesLike, textOf } from "./arbitrary.ts";

const at = { host: "ai2", file: "/Library/LaunchDaemons/com.mlx.openai.server.plist" };
const notesOf = ({
  notUnderstood,
}: {
  notUnderstood: readonly { what: string; why: string; at: { line?: number } }[];
}) => notUnderstood.map(({ at: { line }, what, why }) => `${line ?? "-"} ${what} ${why}`);

const xml = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
  <dict>
    <key>Label</key><string>com.mlx.openai.server</string>
    <key>UserName</key><string>mlx</string>
    <key>WorkingDirectory</key><string>/var/lib/mlx</string>
    <key>ProgramArguments</key>
    <array>
      <string>/var/lib/mlx/env/bin/mlx-openai-server</string>
      <string>launch</string>
      <!-- the model -->
      <string>--model-path</string>
      <string>mlx-community/a&amp;b-2b</string>
      <string>--port=10240</string>
      <string></string>
    </array>
    <key>RunAtLoad</key><true/>
    <key>KeepAlive</key><true/>
    <key>EnvironmentVariables</key>
    <dict>
      <key>HF_HOME</key><string>/var/lib/mlx/cache/huggingface</string>
      <key>BACKEND_CA_BUNDLE</key><string></string>
      <key>__proto__</key><string><![CDATA[<x>]]></string>
    </dict>
    <key>StandardOutPath</key><string>/var/log/mlx/mlx-openai.out.log</string>
    <key>StandardErrorPath</key><string>/var/log/mlx/mlx-openai.err.log</string>
    <key>ThrottleInterval</key><integer>10</integer>
  </dict>
</plist>
`;
const job = {
  label: "com.mlx.openai.server",
  user: "mlx",
  directory: "/var/lib/mlx",
  runAtLoad: true,
  keepAlive: true,
  output: "/var/log/mlx/mlx-openai.out.log",
  errors: "/var/log/mlx/mlx-openai.err.log",
};

describe("jobs of launchd", () => {
  it("are read from XML, with the lines of their environment", () => {
    const reading = readPlist(Buffer.from(xml.replaceAll("\n", "\r\n")), at);
    expect(reading.found).toMatchObject(job);
    expect(reading.found && argument(reading.found, "--model-path")).toBe("mlx-community/a&b-2b");
    expect(reading.found && argument(reading.found, "--port")).toBe("10240");
    expect(reading.found?.argv.at(-1)).toBe("");
    expect([...(reading.found?.environment ?? [])]).toEqual([
      ["HF_HOME", { value: "/var/lib/mlx/cache/huggingface", at: { ...at, line: 22 } }],
      ["BACKEND_CA_BUNDLE", { value: "", at: { ...at, line: 23 } }],
      ["__proto__", { value: "<x>", at: { ...at, line: 24 } }],
    ]);
    expect(notesOf(reading)).toEqual([
      "28 job.ThrottleInterval is a setting of launchd that means nothing here.",
    ]);
  });

  it("are read from binary as from XML", () => {
    const { found: fromXml } = readPlist(Buffer.from(xml), at);
    const parsed = parseXmlPlist(xml.replace("__proto__", "proto"));
    const plain = parsed.kind === "parsed" ? plainOf(parsed.part) : undefined;
    const bytes = Buffer.from(buildBinary(plain as never));
    const { found } = readPlist(bytes, at);
    expect(found).toMatchObject(job);
    expect(found?.argv).toEqual(fromXml?.argv);
    expect([...(found?.environment.values() ?? [])].map(({ value }) => value)).toEqual([
      "/var/lib/mlx/cache/huggingface",
      "",
      "<x>",
    ]);
  });

  it("that are broken say where, and never what stands there", () => {
    const cut = xml.slice(0, xml.indexOf("</array>"));
    expect(notesOf(readPlist(Buffer.from(cut), at))).toEqual([
      "17 line 17 is no property list: a tag should be here.",
    ]);
    expect(notesOf(readPlist(Buffer.from("bplist00rubbish"), at))).toHaveLength(1);
    expect(notesOf(readPlist(Buffer.from("<plist><dict/></plist>"), at))).toEqual([
      "- Label is not there: launchd does not load such a file.",
    ]);
    expect(notesOf(readPlist(Buffer.alloc(0), at))).toHaveLength(1);
  });

  const text = fc.string({ unit: fc.constantFrom("a", "<", "&", '"', "é", "漢", " ", "]]>") });
  const scalar = fc.oneof(text, fc.boolean(), fc.integer({ min: -1000, max: 2 ** 40 }));
  const { value: list } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      scalar,
      fc.array(tie("value"), { maxLength: 20 }),
      fc.dictionary(fc.stringMatching(/^[a-zé]{1,5}$/), tie("value"), { maxKeys: 20 }),
    ),
  }));

  it("are what two other programs write and read", () => {
    fc.assert(
      fc.property(fc.record({ Label: list }), (value) => {
        const parsed = parseXmlPlist(build(value as never));
        expect(parsed.kind === "parsed" && plainOf(parsed.part)).toEqual(value);
        const bytes = Buffer.from(buildBinary(value as never));
        const part = parseBinaryPlist(bytes);
        expect(part && plainOf(part)).toEqual(value);
        expect(parseBuffer(bytes)[0]).toEqual(value);
      }),
    );
  });

  it("never make the reader throw or grow, whatever their bytes", () => {
    const binary = fc
      .tuple(list, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }))
      .map(([value, changes]) => {
        const bytes = Buffer.from(buildBinary({ value } as never));
        for (const [index, byte] of changes) bytes[index % bytes.length] = byte;
        return bytes;
      });
    const bytes = fc.oneof(
      binary,
      bytesLike("<>/&;!-[]a#x", "<plist>", "<dict>", "<key>", "</key>", "<!--", "<![CDATA["),
    );
    fc.assert(
      fc.property(bytes, (given) => {
        const { found, notUnderstood } = readPlist(given, at);
        expect(found !== undefined || notUnderstood.length > 0).toBe(true);
      }),
      { numRuns: 500 },
    );
    const start = performance.now();
    for (const pattern of ["<dict>", "&#1;", "<a", "<!--", "<key>", "<plist><array>"])
      readPlist(Buffer.from(`<plist>${pattern.repeat(50_000)}`), at);
    expect(performance.now() - start).toBeLessThan(4000);
  });

  it("do not grow without end when a binary list refers to itself, again and again", () => {
    const objects = Array.from({ length: 40 }, (_, i) => [0xa2, (i + 1) % 40, (i + 1) % 40]).flat();
    const offsets = Array.from({ length: 40 }, (_, i) => 8 + i * 3);
    const trailer = Buffer.alloc(32);
    trailer.set([1, 1], 6);
    trailer.writeBigUInt64BE(40n, 8);
    trailer.writeBigUInt64BE(BigInt(8 + 120), 24);
    const bytes = Buffer.concat([
      Buffer.from("bplist00"),
      Buffer.from(objects),
      Buffer.from(offsets),
      trailer,
    ]);
    expect(readPlist(bytes, at).found).toBeUndefined();
  });
});

const unitAt = { host: "ai1", file: "/etc/systemd/system/ollama.service" };
const dropIn = { host: "ai1", file: "/etc/systemd/system/ollama.service.d/override.conf" };

function read(unit: string, override = "") {
  return readUnit([
    { bytes: Buffer.from(unit), at: unitAt },
    { bytes: Buffer.from(override), at: dropIn },
  ]);
}

describe("services of systemd", () => {
  const unit = `[Unit]
Description=Ollama Service
After=network-online.target

[Service]
Type=simple
User=ollama
# a comment
EnvironmentFile=-/etc/ollama/ollama.env
EnvironmentFile=/etc/other.env
WorkingDirectory=/var/lib/ollama
Environment="PATH=/usr/bin:/bin" HOME=/usr/share/ollama 'NOTE=two words'
ExecStart=-@/usr/local/bin/ollama ollama \\
# between
  serve --name "a b" --file=%i \\x41
Restart=always
RestartSec=3

[Install]
WantedBy=default.target
`;

  it("are a unit with what its drop-ins change, each value with its place", () => {
    const { found, notUnderstood } = read(
      unit.replaceAll("\n", "\r\n"),
      '[Service]\nEnvironment="OLLAMA_HOST=0.0.0.0:11434"\nUser=other\n',
    );
    expect(notUnderstood).toEqual([]);
    expect(found).toMatchObject({
      at: unitAt,
      description: "Ollama Service",
      user: "other",
      directory: "/var/lib/ollama",
      argv: ["/usr/local/bin/ollama", "serve", "--name", "a b", "--file=%i", "A"],
      environmentFiles: [
        { value: { path: "/etc/ollama/ollama.env", optional: true }, at: { ...unitAt, line: 9 } },
        { value: { path: "/etc/other.env", optional: false } },
      ],
    });
    expect([...(found?.environment ?? [])]).toEqual([
      ["PATH", { value: "/usr/bin:/bin", at: { ...unitAt, line: 12 } }],
      ["HOME", { value: "/usr/share/ollama", at: { ...unitAt, line: 12 } }],
      ["NOTE", { value: "two words", at: { ...unitAt, line: 12 } }],
      ["OLLAMA_HOST", { value: "0.0.0.0:11434", at: { ...dropIn, line: 2 } }],
    ]);
    expect([...(found?.others.keys() ?? [])]).toEqual([
      "Unit.After",
      "Service.Type",
      "Service.Restart",
      "Service.RestartSec",
      "Install.WantedBy",
    ]);
  });

  it("take back what was said before when a value is empty", () => {
    const { found } = read(
      unit,
      "[Service]\nExecStart=\nExecStart=/bin/a ; /bin/b $$x\nEnvironment=\nEnvironmentFile=\n",
    );
    expect(found?.commands).toEqual([["/bin/a"], ["/bin/b", "$$x"]]);
    expect(found?.environment.size).toBe(0);
    expect(found?.environmentFiles).toEqual([]);
  });

  it("keep a command in quotes whole", () => {
    const { found } = read('[Service]\nExecStart=/bin/bash -lc "${FYC_CMD}"\n');
    expect(found?.argv).toEqual(["/bin/bash", "-lc", "${FYC_CMD}"]);
  });

  it("say what systemd ignored", () => {
    const reading = read('A=1\n[Service]\nnothing\nEnvironment=A "B=1\nEnvironment=C D=2\n');
    expect(notesOf(reading).map((note) => note.split(" ", 3).join(" "))).toEqual([
      "1 line 1",
      "3 line 3",
      "4 Environment has",
      "5 Environment has",
    ]);
    expect([...(reading.found?.environment.keys() ?? [])]).toEqual(["D"]);
  });

  it("never make the reader throw, and every setting of theirs is found or noted", () => {
    const bytes = bytesLike(
      "=\\'\"[]#;%$ \n",
      "[Service]\n",
      "ExecStart=",
      "Environment=A=",
      "\\\n",
    );
    fc.assert(
      fc.property(bytes, (given) => {
        expect(readUnit([{ bytes: given, at: unitAt }]).notUnderstood).toBeInstanceOf(Array);
      }),
      { numRuns: 500 },
    );
    const line = fc.tuple(fc.boolean(), textOf("AB =\"'$%[]#;é", 8));
    fc.assert(
      fc.property(fc.array(line, { minLength: 1 }), (lines) => {
        // Names of their own: an empty value takes back what was said under the same name before.
        const text = lines.map(([good, rest], index) =>
          good ? `K${index}=x${rest}` : `x${index}${rest}`,
        );
        const { found, notUnderstood } = read(`[Service]\n${text.join("\n")}`);
        const count = [...(found?.others.values() ?? [])].flat().length + notUnderstood.length;
        const empty = text.filter((each) => /^x[^=]*=\s*$/.test(each)).length;
        expect(count).toBeGreaterThanOrEqual(lines.length - empty);
      }),
    );
    const many = Array.from({ length: 50_000 }, (_, i) => `K${i}=\\`).join("\n");
    expect(read(`[Service]\n${many}`).found?.others.size).toBe(1);
  });
});
