/** Debian, and Python on it, under the names of the official images. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { debianDir } from "../places.ts";
import { digestOf, type Layer } from "./layer.ts";
import type { Image } from "./registry.ts";

/** From the layers that `prepareDebian` has made. */
export function debianImages(): readonly Image[] {
  const [base, python] = ["base.tar", "python.tar"].map(layerFrom);
  if (!base || !python) return [];
  const settings = { cmd: ["bash"] };
  return [
    { names: ["library/debian:12-slim"], layers: [base], settings },
    {
      names: ["library/python:3.13-slim"],
      layers: [base, python],
      settings: { cmd: ["python3"], env: ["PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"] },
    },
  ];
}

function layerFrom(name: string): Layer {
  const content = readFileSync(join(debianDir, name));
  return { digest: digestOf(content), content };
}
