import { connectEngine } from "../../src/engine/connect.ts";
import { describeEngine } from "./contract.ts";
import type { Program } from "./subject.ts";

describeEngine("the Docker engine", {
  connect: async () => connectEngine({ environment: process.env }),
  image: "nexus-test/scenario:1",
  command: (program) => ["sh", "-c", script(program)],
});

function script(program: Program): string {
  switch (program.do) {
    case "stay":
      return "trap 'exit 0' TERM; while :; do sleep 0.1; done";
    case "exit":
      return `exit ${program.code}`;
    case "print":
      return `printf '%s' '${program.stdout}'; printf '%s' '${program.stderr}' >&2`;
    case "eat-memory":
      return `exec node -e 'const held = []; for (;;) held.push(Buffer.alloc(1e6, 1))'`;
    case "ignore-stop":
      return "trap '' TERM; while :; do sleep 0.1; done";
    case "echo":
      return `cat; echo done >&2; exit ${program.code}`;
    case "read":
      return `cat ${program.path}`;
  }
}
