import { expect, test } from "vitest";
import { answerTo } from "./name-server.ts";

/** A query as resolvers write it (RFC 1035, 4.1). */
function query(name: string, type = 1): Buffer {
  const labels = name
    .split(".")
    .map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`));
  const header = Buffer.from("abcd01000001000000000000", "hex");
  return Buffer.concat([header, ...labels, Buffer.of(0, 0, type, 0, 1)]);
}

/** The response code, and what stands behind the question. */
function read(answer: Buffer | undefined, asked: Buffer): readonly [number, string] {
  if (!answer) throw new Error("no answer");
  return [answer.readUInt16BE(2) & 0xf, answer.subarray(asked.length).toString("hex")];
}

test("a registry that images name is here; there is no other name", () => {
  const known = query("ghcr.io");
  expect(read(answerTo(known), known)).toEqual([0, "c00c000100010000000000047f000001"]);
  const sixth = query("GHCR.io", 28);
  expect(read(answerTo(sixth), sixth)).toEqual([0, ""]);
  const other = query("registry-1.docker.io");
  expect(read(answerTo(other), other)).toEqual([3, ""]);
});

test("what is no query is not answered", () => {
  expect(answerTo(Buffer.alloc(3))).toBeUndefined();
  expect(answerTo(query("ghcr.io").subarray(0, 20))).toBeUndefined();
});
