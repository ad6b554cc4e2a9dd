import { describe, expect, test } from "vitest";
import { problemsOf } from "./folder.ts";

describe("how the parts go together", () => {
  test.each([
    [
      "nothing to run",
      "services: {a: {port: 80}}",
      "services.a: needs an `image`, a `build`, a `template` or an `external` URL",
    ],
    [
      "two sources",
      "services: {a: {image: 'x:1', build: .}}",
      "services.a.image: has a `build` beside it: keep one of them",
    ],
    [
      "a bad image",
      "services: {a: {image: 'X Y'}}",
      "services.a.image: is no image reference, such as ollama/ollama:0.12.6",
    ],
    [
      "an external service with container keys",
      "services: {a: {external: 'http://h/v1', gpus: all}}",
      /^services\.a\.gpus: `gpus` is for services that Nexus runs/,
    ],
    [
      "a password in a URL",
      "services: {a: {external: 'http://u:p@h/v1'}}",
      /^services\.a\.external: must be scheme, host, port and path only/,
    ],
    [
      "the user's own key for a service",
      "services: {default: {image: 'x:1', gateway_key: true}}",
      /^services\.default\.gateway_key: cannot be had by a service that is called `default`/,
    ],
    [
      "a secret in the place of the service's own key",
      "services: {a: {image: 'x:1', gateway_key: true, secrets: [gateway_key]}}",
      /^services\.a\.secrets: is the name under which its own key of the gateway comes/,
    ],
    [
      "a key of its own for what runs elsewhere",
      "services: {a: {external: 'http://h/v1', gateway_key: true}}",
      /^services\.a\.gateway_key: `gateway_key` is for services that Nexus runs/,
    ],
    [
      "a level without a port",
      "services: {a: {image: 'x:1', ready: reachable}}",
      "services.a.ready: cannot be `reachable`: it has no `port` to ask",
    ],
    [
      "a level for a job",
      "services: {a: {image: 'x:1', restart: 'no', ready: ready}}",
      "services.a.ready: cannot be `ready`: it is a job, done when it exits 0",
    ],
    [
      "a probe without a port",
      "services: {a: {image: 'x:1', probe: /x}}",
      "services.a.probe: needs a `port` to ask",
    ],
    [
      "a model store without a port",
      "services: {a: {image: 'x:1', model_pull: speaches}}",
      "services.a.model_pull: needs a `port` to ask",
    ],
    [
      "a model store whose models nobody lists",
      "services: {a: {image: 'x:1', port: 1, model_pull: localai, probe: {path: /x, models: none}}}",
      /^services\.a\.model_pull: `localai` needs `probe: { models: openai }`/,
    ],
    [
      "a proof that nobody knows",
      "services: {a: {image: 'x:1', port: 1, provides: [ocr], ready: proven}}",
      /^services\.a\.ready: can be `proven` only/,
    ],
    [
      "an unknown dependency",
      "services: {abc: {image: 'x:1', depends_on: [abd]}, abe: {image: 'x:1'}}",
      "services.abc.depends_on.abd: there is no service `abd`. → abc",
    ],
    [
      "a dependency out of its profile",
      "services: {a: {image: 'x:1', depends_on: [b]}, b: {image: 'x:1', profiles: [p]}}",
      "services.a.depends_on.b: `b` only belongs to the profile p: add `--profile p`",
    ],
    [
      "a dependency that never completes",
      "services: {a: {image: 'x:1', depends_on: {b: {condition: service_completed_successfully}}}, b: {image: 'x:1'}}",
      /^services\.a\.depends_on\.b: `b` never completes/,
    ],
    [
      "a circle",
      "services: {a: {image: 'x:1', depends_on: [b]}, b: {image: 'x:1', depends_on: [c]}, c: {image: 'x:1', depends_on: [b]}}",
      "services.b.depends_on: goes round in a circle: b → c → b",
    ],
    [
      "a service that waits for itself",
      "services: {a: {image: 'x:1', depends_on: [a]}}",
      "services.a.depends_on: goes round in a circle: a → a",
    ],
    [
      "the gateway's port",
      "services: {a: {image: 'x:1', ports: ['8800:1']}}",
      "services.a.ports[0]: port 8800 is taken by the gateway",
    ],
    [
      "one port twice",
      "services: {a: {image: 'x:1', ports: ['81:1']}, b: {image: 'x:1', ports: ['0.0.0.0:81:1']}}",
      "services.b.ports[0]: port 81 is taken by service a",
    ],
    [
      "the gateway's own ports",
      "gateway: {port: 8801}",
      "gateway.observability_port: port 8801 is taken by the gateway",
    ],
    [
      "two mounts at one place",
      "services: {a: {image: 'x:1', tmpfs: /d, volumes: ['v:/d']}}",
      "services.a.volumes: has two mounts at /d",
    ],
    [
      "the engine's socket",
      "services: {a: {image: 'x:1', volumes: ['/var/run/docker.sock:/s']}}",
      /the engine's socket/,
    ],
    [
      "ports without a way out",
      "services: {a: {image: 'x:1', egress: false, ports: [1]}}",
      /^services\.a\.ports: cannot be published with `egress: false`/,
    ],
    [
      "an alias to nowhere",
      "gateway: {aliases: {f: olama/x}}\nservices: {ollama: {image: 'x:1'}}",
      "gateway.aliases.f[0]: there is no service `olama` to lead to. → ollama",
    ],
    [
      "an alias to no model",
      "gateway: {aliases: {f: [lama]}}\nservices: {ollama: {image: 'x:1', models: [llama]}}",
      "gateway.aliases.f[0]: `lama` is no model that a service declares: write service/model. → llama",
    ],
    [
      "an alias with caps to nowhere",
      "gateway: {aliases: {f: {to: [llama, olama/x], max_tokens: 9}}}\nservices: {ollama: {image: 'x:1', models: [llama]}}",
      "gateway.aliases.f.to[1]: there is no service `olama` to lead to. → ollama",
    ],
    [
      "an alias to an empty list",
      "gateway: {aliases: {f: []}}",
      "gateway.aliases.f: must lead to one model at least",
    ],
    [
      "an alias with caps to an empty list",
      "gateway: {aliases: {f: {to: [], max_tokens: 9}}}",
      "gateway.aliases.f.to: must lead to one model at least",
    ],
    [
      "an alias whose name is that of no model",
      "gateway: {aliases: {'a b': s/x}}\nservices: {s: {image: 'x:1'}}",
      "gateway.aliases.a b: must be made of letters, digits and . _ : @ + - /",
    ],
    [
      "a reserved name",
      "services: {gateway: {image: 'x:1'}}",
      /^services\.gateway: `gateway` is the name of the gateway itself/,
    ],
    [
      "a name that is no host name",
      "services: {My Service: {image: 'x:1'}}",
      /^services\.My Service: a service's name is its host name/,
    ],
    [
      "an unknown template",
      "services: {a: {template: olama}}",
      "services.a.template: there is no template `olama`: see `nexus catalog`. → ollama",
    ],
    [
      "a capability as a template",
      "services: {a: {template: chat}}",
      "services.a.template: there is no template `chat`: see `nexus catalog`.",
    ],
    [
      "a missing env file",
      "services: {a: {image: 'x:1', env_file: no.env}}",
      "services.a.env_file: there is no file no.env; `required: false` goes on without it",
    ],
    [
      "a missing build folder",
      "services: {a: {build: ./no}}",
      "services.a.build: there is no folder no",
    ],
    [
      "a missing Dockerfile",
      "services: {a: {build: .}}",
      "services.a.build: there is no Dockerfile in .",
    ],
    [
      "a Dockerfile outside",
      "services: {a: {build: {context: ., dockerfile: ../D}}}",
      "services.a.build.dockerfile: must lie inside the context",
    ],
  ])("%s", async (_, text, expected) => {
    const problems = (await problemsOf(`name: t\n${text}\n`)).map((problem) =>
      problem.replace(/^\S+ /, ""),
    );
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(expected);
  });

  test("names that are too long for a host name are refused", async () => {
    const [stack, service] = ["s".repeat(40), "a".repeat(30)];
    expect(
      (await problemsOf(`name: ${stack}\nservices: {${service}: {image: 'x:1'}}`))[0],
    ).toContain("too long for a host name");
  });

  test("a broken service does not make those that depend on it look broken", async () => {
    const text = "name: t\nservices: {a: {image: 'x:1', depends_on: [b]}, b: {imge: x}}";
    expect(await problemsOf(text)).toEqual([
      "nexus.yaml:2:52 services.b.imge: there is no key `imge`. → image",
    ]);
  });
});
