/** A stand-in for Ollama as a program: what its container runs. */
import { numberFrom, serverOf } from "../serve.ts";
import { lyingWhereAsked } from "./lies.ts";
import { routes, version } from "./routes.ts";

process.on("SIGTERM", () => process.exit(0));
setTimeout(
  () => {
    const server = serverOf(lyingWhereAsked(routes));
    server.listen(numberFrom("STAND_IN_PORT", 11_434), "0.0.0.0", () => {
      process.stderr.write(
        `time=${new Date().toISOString()} level=INFO source=routes.go msg="Listening on [::]:11434 (version ${version})"\n`,
      );
    });
  },
  numberFrom("STAND_IN_START_MS", 0),
);
