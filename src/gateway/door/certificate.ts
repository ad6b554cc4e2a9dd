/** The certificate of the API port and its key: proven to belong together before anything depends on them. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { createSecureContext } from "node:tls";
import { z } from "zod";
import { certificateDigest } from "../config.ts";
import type { Log } from "../metrics/log.ts";
import { readJsonFile, writeJsonFile } from "../json-file.ts";

/** A certificate, with those between it and its authority, and its key, both as PEM. */
export const certifiedSchema = z.strictObject({ certificate: z.string(), key: z.string() });

/** A certificate and its key. */
export type Certified = Readonly<z.infer<typeof certifiedSchema>>;

/** A certificate that cannot be used, and why; never with a word of the key. */
export class CertificateRefused extends Error {
  override name = "CertificateRefused";
}

/** What a connection meets at the door: no certificate is wanted, this one is in force, or the one wanted is not there. */
export type DoorState = Readonly<
  { kind: "plain" } | { kind: "secure"; certified: Certified } | { kind: "closed" }
>;

type CertificatesOptions = Readonly<{
  /** Where the pairs are kept, one file each (mode 0600). */
  folder: string;
  /** Takes a pair into force for new connections. */
  use: (certified: Certified) => void;
  log: Log;
}>;

/** Holds the certificate in force; a change reaches new connections and leaves those that are open alone. */
export class Certificates {
  readonly #options: CertificatesOptions;
  #state: DoorState = { kind: "plain" };
  #changing: Promise<unknown> = Promise.resolve();

  constructor(options: CertificatesOptions) {
    this.#options = options;
  }

  get state(): DoorState {
    return this.#state;
  }

  /** Takes the pair of the last run into force; a wanted one that is not there closes the door rather than opening it to plain HTTP. */
  async load(wanted: string | undefined): Promise<void> {
    if (wanted === undefined) return;
    this.#state = { kind: "closed" };
    try {
      const document = await readJsonFile(this.#fileOf(wanted));
      this.#use(this.#choose(wanted, certifiedSchema.parse(document)));
    } catch (error) {
      const reason = error instanceof CertificateRefused ? error.message : "it cannot be read";
      this.#options.log("error", "certificate.rejected", { reason });
    }
  }

  /** Proves and keeps a pair, has the configuration that wants it persisted, then takes both into force; throws with the old one in force. */
  change<Result>(
    wanted: string | undefined,
    sent: Certified | undefined,
    configure: () => Promise<Result>,
  ): Promise<Result> {
    const change = this.#changing.then(async () => {
      const certified = wanted === undefined ? undefined : this.#choose(wanted, sent);
      if (certified) await this.#keep(certified);
      const result = await configure();
      if (certified) this.#use(certified);
      else this.#state = { kind: "plain" };
      await this.#forgetAllBut(wanted);
      return result;
    });
    this.#changing = change.catch(() => {});
    return change;
  }

  #choose(wanted: string, sent: Certified | undefined): Certified {
    const known = this.#state.kind === "secure" ? this.#state.certified : undefined;
    const chosen = [sent, known].find(
      (one) => one && certificateDigest(one.certificate) === wanted,
    );
    if (!chosen) throw new CertificateRefused("The certificate did not come with its key.");
    proveCertified(chosen);
    return chosen;
  }

  #use(certified: Certified): void {
    this.#options.use(certified);
    this.#state = { kind: "secure", certified };
    const { validTo } = new X509Certificate(certified.certificate);
    this.#options.log("info", "certificate.in_force", { valid_to: validTo });
  }

  /** Beside the one in force: whichever configuration a crash leaves, its pair is there. */
  #keep(certified: Certified): Promise<void> {
    return writeJsonFile(this.#fileOf(certificateDigest(certified.certificate)), certified);
  }

  async #forgetAllBut(wanted: string | undefined): Promise<void> {
    const kept = wanted === undefined ? undefined : fileName(wanted);
    const names = await readdir(this.#options.folder);
    const old = names.filter((name) => /^certificate-\w+\.json$/.test(name) && name !== kept);
    await Promise.all(old.map((name) => rm(join(this.#options.folder, name), { force: true })));
  }

  #fileOf(digest: string): string {
    return join(this.#options.folder, fileName(digest));
  }
}

function fileName(digest: string): string {
  return `certificate-${digest.slice(-16)}.json`;
}

/** Throws CertificateRefused unless both can be read and belong together. */
function proveCertified({ certificate, key }: Certified): void {
  const leaf = attempt("The certificate is no PEM certificate.", () => {
    return new X509Certificate(certificate);
  });
  const secret = attempt("The key is no PEM key without a passphrase.", () =>
    createPrivateKey(key),
  );
  if (!leaf.checkPrivateKey(secret)) {
    throw new CertificateRefused("The key does not belong to the certificate.");
  }
  attempt("The certificate cannot be used for TLS.", () => {
    return createSecureContext({ cert: certificate, key });
  });
}

function attempt<Result>(complaint: string, read: () => Result): Result {
  try {
    return read();
  } catch {
    throw new CertificateRefused(complaint);
  }
}
