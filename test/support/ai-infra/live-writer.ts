/** Stands in for the running old gateway: writes its databases, and holds them open until its input ends. Arguments: folder, schema; the secrets come on standard input's first line. */
import { createInterface } from "node:readline";
import { writeMemory, writeUsers, type UserSchema } from "./databases.ts";
import type { AiInfraSecrets } from "./secrets.ts";

const [folder = "", schema = "plain"] = process.argv.slice(2);
const lines = createInterface(process.stdin)[Symbol.asyncIterator]();
const first = await lines.next();
const open = [
  writeMemory(folder),
  writeUsers(folder, schema as UserSchema, JSON.parse(String(first.value)) as AiInfraSecrets),
];
process.stdout.write("open\n");
await lines.next();
for (const database of open) database.close();
