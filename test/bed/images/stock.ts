/** Fills both registries; runs inside the bed's network namespace, started by up.ts. */
import { forgetImage } from "../engine-http.ts";
import { closedRegistry, credentials, openRegistry, socketPath } from "../places.ts";
import { allImages } from "./catalogue.ts";
import { pushImage } from "./registry.ts";

const { open, closed } = await allImages();
for (const image of open) {
  await pushImage({ address: openRegistry }, image);
  for (const name of image.names) await forgetImage(socketPath, name.replace(/^library\//, ""));
}
for (const image of closed) await pushImage({ address: closedRegistry, credentials }, image);
