/** Fills both registries; runs inside the bed's network namespace, started by up.ts. */
import { forgetImage } from "../engine-http.ts";
import { closedRegistry, credentials, openRegistry, socketPath } from "../places.ts";
import { allImages } from "./catalogue.ts";
import { pushImage } from "./registry.ts";

/** The names under which an engine may have pulled an image of the open registry. */
function referencesTo(name: string): readonly string[] {
  const hosts = ["ghcr.io", "quay.io", "nvcr.io"];
  return [name.replace(/^library\//, ""), ...hosts.map((host) => `${host}/${name}`)];
}

const { open, closed } = await allImages();
for (const image of open) {
  await pushImage({ address: openRegistry }, image);
  for (const reference of image.names.flatMap(referencesTo))
    await forgetImage(socketPath, reference);
}
for (const image of closed) await pushImage({ address: closedRegistry, credentials }, image);
