/** A stand-in for text-embeddings-inference: what its container runs. */
import { runTei } from "./program.ts";

await runTei();
