import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readCertified } from "../../src/apply/certificate-files.ts";
import { folderOf } from "../stack/folder.ts";
import { makeCertificate } from "../support/certificates.ts";

const own = makeCertificate();
const other = makeCertificate();

/** Reads a certificate and a key out of a folder of these files. */
async function read(files: Readonly<Record<string, string>>, mode = 0o600): Promise<unknown> {
  await using folder = await folderOf(files, mode);
  const paths = { cert: join(folder.path, "cert.pem"), key: join(folder.path, "key.pem") };
  return await readCertified(paths);
}

test("a certificate is read with its key", async () => {
  expect(await read({ "cert.pem": own.certificate, "key.pem": own.key })).toEqual(own);
});

test.each([
  ["cert.pem is not there", { "key.pem": own.key }],
  ["key.pem is not there", { "cert.pem": own.certificate }],
  ["cert.pem holds no PEM certificate", { "cert.pem": own.key, "key.pem": own.key }],
  [
    "key.pem holds no PEM key without a passphrase",
    { "cert.pem": own.certificate, "key.pem": own.certificate },
  ],
  [
    "key.pem is not the key of the certificate in",
    { "cert.pem": own.certificate, "key.pem": other.key },
  ],
])("what is wrong is said with the file: %s", async (complaint, files) => {
  await expect(read(files)).rejects.toMatchObject({
    code: "NEXUS_CERTIFICATE",
    message: expect.stringContaining(complaint),
  });
});

test("a key that others can read is refused", async () => {
  const files = { "cert.pem": own.certificate, "key.pem": own.key };
  await expect(read(files, 0o644)).rejects.toMatchObject({ code: "NEXUS_LOOSE_PERMISSIONS" });
  await using folder = await folderOf(files, 0o600);
  const paths = { cert: join(folder.path, "cert.pem"), key: join(folder.path, "key.pem") };
  await chmod(paths.cert, 0o644);
  expect(await readCertified(paths)).toEqual(own);
});
