/**
 * Tells by its exit code whether the Docker Engine that Nexus would use can be used: 0 it can, 3 nothing answers there,
 * 4 anything that neither installing nor starting an engine would mend. The reason goes to stderr.
 */
import { connectEngine } from "../src/engine/connect.ts";
import { NexusError } from "../src/errors.ts";

try {
  const engine = await connectEngine({ environment: process.env });
  await engine.describe();
  engine.close();
} catch (error) {
  if (!(error instanceof NexusError)) throw error;
  process.stderr.write(`${error.message}\n${error.remedy}\n`);
  process.exitCode = error.code === "NEXUS_ENGINE_UNREACHABLE" ? 3 : 4;
}
