/** The engine's talk during a pull, added up. */
import { z } from "zod";
import type { PullProgress } from "../engine.ts";

/** A line of a pull's or build's stream (Engine API 1.41; `error` is deprecated since 1.48 in favour of `errorDetail`). */
export const streamLine = z.object({
  id: z.string().optional(),
  status: z.string().optional(),
  stream: z.string().optional(),
  progressDetail: z
    .object({ current: z.number().optional(), total: z.number().optional() })
    .nullish(),
  error: z.string().optional(),
  errorDetail: z.object({ message: z.string().optional() }).nullish(),
  aux: z.object({ ID: z.string().optional() }).nullish(),
});

/** One line. */
export type StreamLine = z.infer<typeof streamLine>;

/** What a line says went wrong; any such line is a failure, whatever the status was. */
export function failureIn({ error, errorDetail }: StreamLine): string | undefined {
  return errorDetail?.message ?? error;
}

type Layer = Readonly<{ downloaded: number; total: number; done: boolean }>;

/** Adds up the layers of one pull. */
export class PullTally {
  readonly #layers = new Map<string, Layer>();
  /** The engine said that the whole image is there. */
  finished = false;

  /** Takes a line in and says how far the pull is. */
  add({ id, status = "", progressDetail }: StreamLine): PullProgress {
    if (/^(?:Status|Digest):/.test(status)) this.finished = true;
    if (id !== undefined && layerWords.test(status))
      this.#layers.set(id, this.#next(id, status, progressDetail));
    const layers = [...this.#layers.values()];
    return {
      status,
      downloadedBytes: layers.reduce((sum, layer) => sum + layer.downloaded, 0),
      totalBytes: layers.reduce((sum, layer) => sum + layer.total, 0),
      layersDone: layers.filter((layer) => layer.done).length,
      layers: layers.length,
    };
  }

  #next(id: string, status: string, detail: StreamLine["progressDetail"]): Layer {
    const before = this.#layers.get(id) ?? { downloaded: 0, total: 0, done: false };
    if (status === "Downloading") return { ...before, ...readBytes(detail) };
    const downloaded = arrived.test(status) ? before.total : before.downloaded;
    return { ...before, downloaded, done: before.done || complete.test(status) };
  }
}

type Bytes = Partial<Pick<Layer, "downloaded" | "total">>;

// Podman and small layers never say a total.
function readBytes(detail: StreamLine["progressDetail"]): Bytes {
  return {
    ...(detail?.current === undefined ? {} : { downloaded: detail.current }),
    ...(detail?.total === undefined ? {} : { total: detail.total }),
  };
}

const arrived = /^(?:Download complete|Verifying Checksum|Extracting|Pull complete)/;
const complete = /^(?:Pull complete|Already exists)/;
const layerWords =
  /^(?:Pulling fs layer|Waiting|Downloading|Verifying Checksum|Download complete|Extracting|Pull complete|Already exists|Retrying in)/;
