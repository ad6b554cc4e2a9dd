/** The gateway's certificate and its key, from the files that the stack names. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { exitCodes, NexusError } from "../errors.ts";
import type { CertificateFiles } from "../stack/stack.ts";
import { refuseLoose } from "./key-files.ts";

/** A certificate, with those between it and its authority, and its key, both as PEM. */
export type Certified = Readonly<{ certificate: string; key: string }>;

/** The certificate or the key that the stack file names cannot be used. */
export class CertificateError extends NexusError {
  readonly code = "NEXUS_CERTIFICATE";
  readonly exitCode = exitCodes.usage;
  readonly remedy =
    "Name a PEM certificate, with those between it and its authority, and its PEM key without a passphrase in `gateway.tls` of the stack file.";
  override readonly details: Readonly<Record<string, unknown>>;

  constructor(file: string, complaint: string) {
    super(`${file} ${complaint}.`);
    this.details = { file };
  }
}

/** Reads both and makes sure that they belong together. Throws CertificateError, LoosePermissionsError. */
export async function readCertified({ cert, key }: CertificateFiles): Promise<Certified> {
  const certificate = await textOf(cert);
  const secret = await textOf(key);
  await refuseLoose(key, 0o600);
  const leaf = attempt(cert, "holds no PEM certificate", () => new X509Certificate(certificate));
  const parsed = attempt(key, "holds no PEM key without a passphrase", () =>
    createPrivateKey(secret),
  );
  if (leaf.checkPrivateKey(parsed)) return { certificate, key: secret };
  throw new CertificateError(key, `is not the key of the certificate in ${cert}`);
}

async function textOf(file: string): Promise<string> {
  return readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new CertificateError(file, error.code === "ENOENT" ? "is not there" : "cannot be read");
  });
}

function attempt<Result>(file: string, complaint: string, read: () => Result): Result {
  try {
    return read();
  } catch {
    throw new CertificateError(file, complaint);
  }
}
