/**
 * The bed's DNS (RFC 1035): registries that images name are here, on 127.0.0.1; no other name exists. So the engine pulls
 * `ghcr.io/…` from the bed's own registry, and what the bed lacks fails as on a machine without the internet.
 */
import { createSocket } from "node:dgram";

/** Hosts of the images that templates name, besides Docker Hub, which has the mirror. */
const registryHosts = new Set(["ghcr.io", "quay.io", "nvcr.io"]);

const headerBytes = 12;
const typeA = 1;
const noSuchName = 3;

/** The answer to a query: one address for a registry, NXDOMAIN for everything else; undefined for what is no query. */
export function answerTo(query: Buffer): Buffer | undefined {
  const question = readQuestion(query);
  if (!question) return undefined;
  const isHere = registryHosts.has(question.name.toLowerCase());
  const address = isHere && question.type === typeA ? Buffer.of(127, 0, 0, 1) : undefined;
  const header = Buffer.alloc(headerBytes);
  query.copy(header, 0, 0, 2);
  header.writeUInt16BE(0x8580 | (isHere ? 0 : noSuchName), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(address ? 1 : 0, 6);
  const asked = query.subarray(headerBytes, question.end);
  return Buffer.concat([header, asked, ...(address ? [record(address)] : [])]);
}

/** An A record for the name that was asked about (a pointer to it), valid for no longer than this answer. */
function record(address: Buffer): Buffer {
  return Buffer.concat([Buffer.of(0xc0, headerBytes, 0, typeA, 0, 1, 0, 0, 0, 0, 0, 4), address]);
}

type Question = Readonly<{ name: string; type: number; end: number }>;

function readQuestion(query: Buffer): Question | undefined {
  const labels: string[] = [];
  let at = headerBytes;
  while ((query[at] ?? 0) > 0) {
    const length = query[at] ?? 0;
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += length + 1;
  }
  const end = at + 5;
  return query.length < end
    ? undefined
    : { name: labels.join("."), type: query.readUInt16BE(at + 1), end };
}

if (import.meta.main) {
  for (const address of process.argv.slice(2)) {
    const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
    socket.on("message", (query, { address: from, port }) => {
      const answer = answerTo(query);
      if (answer) socket.send(answer, port, from);
    });
    socket.bind(53, address);
  }
}
