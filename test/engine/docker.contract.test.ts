import { connectEngine } from "../../src/engine/connect.ts";
import { describeEngine } from "./contract.ts";
import type { Program } from "./subject.ts";

describeEngine("the Docker engine", {
  connect: async () => connectEngine({ environment: process.env }),
  image: "nexus-test/scenario:1",
  command: (program) => ["sh", "-c", script(program)],
});

const staying = "while :; do sleep 0.1; done";

function script(program: Program): string {
  const scripts: { readonly [Do in Program["do"]]: string } = {
    stay: `trap 'exit 0' TERM; ${staying}`,
    exit: `exit ${"code" in program ? program.code : 0}`,
    print:
      program.do === "print"
        ? `printf %s '${program.stdout}'; printf %s '${program.stderr}' >&2`
        : "",
    "eat-memory": "exec node -e 'const held = []; for (;;) held.push(Buffer.alloc(1e6, 1))'",
    "ignore-stop": `trap '' TERM; ${staying}`,
    echo: `cat; echo done >&2; exit ${"code" in program ? program.code : 0}`,
    read: program.do === "read" ? `cat ${program.path}` : "",
  };
  return scripts[program.do];
}
