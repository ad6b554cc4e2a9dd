/** `node test/support/ai-infra/main.ts FOLDER [small]`: builds the fixture to look at, or to try `nexus migrate --source FOLDER` with. */
import { buildAiInfra } from "./ai-infra.ts";

const [folder, size] = process.argv.slice(2);
if (!folder) throw new Error("Say which folder.");
await buildAiInfra(folder, { small: size === "small", databases: "crashed" });
