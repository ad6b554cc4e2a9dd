/** Certificates that sign themselves, made on the spot: DER as RFC 5280 and X.690 write it, no more of it than needed. */
import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { request } from "node:https";

/** A certificate and its key, both as PEM. */
export type TestCertificate = Readonly<{ certificate: string; key: string }>;

/** Makes a certificate for 127.0.0.1 and localhost that is valid for a day from now. */
export function makeCertificate(): TestCertificate {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const toBeSigned = sequence(
    der(0xa0, der(0x02, Buffer.of(2))),
    der(0x02, Buffer.concat([Buffer.of(1), randomBytes(8)])),
    ecdsaWithSha256,
    name,
    sequence(utcTime(Date.now() - hour), utcTime(Date.now() + 24 * hour)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(subjectAltName)),
  );
  const signature = der(0x03, Buffer.of(0), sign("sha256", toBeSigned, privateKey));
  const certificate = sequence(toBeSigned, ecdsaWithSha256, signature).toString("base64");
  const lines = certificate.match(/.{1,64}/g)?.join("\n") ?? "";
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

/** The status and the body of a `GET` with a gateway's key, trusting exactly one certificate. */
export function getOverTls(
  url: string,
  { key, trusted }: Readonly<{ key: string; trusted: TestCertificate }>,
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const headers = { authorization: `Bearer ${key}` };
  const { hostname: host, port, pathname: path } = new URL(url);
  request({ host, port, path, headers, ca: trusted.certificate, agent: false }, (response) => {
    let text = String(response.statusCode);
    response.on("data", (data) => (text += ` ${data}`)).once("end", () => resolve(text));
  })
    .once("error", reject)
    .end();
  return promise;
}

const hour = 3_600_000;

function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const size =
    length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length];
  return Buffer.concat([Buffer.of(tag, ...size), content]);
}

function sequence(...contents: readonly Buffer[]): Buffer {
  return der(0x30, ...contents);
}

function utcTime(at: number): Buffer {
  const digits = new Date(at).toISOString().replaceAll(/\D/g, "").slice(2, 14);
  return der(0x17, Buffer.from(`${digits}Z`));
}

/** 1.2.840.10045.4.3.2 */
const ecdsaWithSha256 = sequence(der(0x06, Buffer.from("2a8648ce3d040302", "hex")));

/** commonName (2.5.4.3) "nexus test" */
const name = sequence(
  der(
    0x31,
    sequence(der(0x06, Buffer.from("550403", "hex")), der(0x0c, Buffer.from("nexus test"))),
  ),
);

/** 2.5.29.17 with the address 127.0.0.1 and the name localhost */
const subjectAltName = sequence(
  der(0x06, Buffer.from("551d11", "hex")),
  der(0x04, sequence(der(0x87, Buffer.of(127, 0, 0, 1)), der(0x82, Buffer.from("localhost")))),
);
