/** Property lists as macOS keeps them: XML, and the binary form (`bplist00`, CFBinaryPList.c of Apple's CoreFoundation). */
import { build, type PlistValue as Buildable } from "plist";

/** What a property list of the fixture holds. */
export type PlistValue =
  | string
  | number
  | boolean
  | readonly PlistValue[]
  | Readonly<{ [key: string]: PlistValue }>;

/** A property list as XML. */
export function xmlPlist(value: Readonly<Record<string, PlistValue>>): string {
  return `${build(structuredClone(value) as unknown as Buildable)}\n`;
}

/** A property list in the binary form. */
export function binaryPlist(value: PlistValue): Buffer {
  const objects: Buffer[] = [];
  add(value, objects);
  const header = Buffer.from("bplist00");
  const offsets: Buffer[] = [];
  let at = header.length;
  for (const object of objects) {
    offsets.push(uint(at, 4));
    at += object.length;
  }
  const trailer = Buffer.concat([
    Buffer.alloc(6),
    Buffer.of(4, 2),
    ...[objects.length, 0, at].map((number) => uint(number, 8)),
  ]);
  return Buffer.concat([header, ...objects, ...offsets, trailer]);
}

/** Adds a value and what it holds; gives its number. The first is the root. */
function add(value: PlistValue, objects: Buffer[]): number {
  const number = objects.push(Buffer.alloc(0)) - 1;
  objects[number] = encode(value, objects);
  return number;
}

function encode(value: PlistValue, objects: Buffer[]): Buffer {
  if (typeof value === "boolean") return Buffer.of(value ? 0x09 : 0x08);
  if (typeof value === "number") return Buffer.concat([Buffer.of(0x13), uint(value, 8)]);
  if (typeof value === "string") {
    const ascii = /^[ -~]*$/.test(value);
    const bytes = ascii ? Buffer.from(value) : Buffer.from(value, "utf16le").swap16();
    return Buffer.concat([sized(ascii ? 0x50 : 0x60, value.length), bytes]);
  }
  if (Array.isArray(value)) return references(0xa0, value, value, objects);
  const map = value as Readonly<Record<string, PlistValue>>;
  return references(0xd0, Object.keys(map), [...Object.keys(map), ...Object.values(map)], objects);
}

function references(
  mark: number,
  counted: readonly unknown[],
  held: readonly PlistValue[],
  objects: Buffer[],
): Buffer {
  const numbers = held.map((value) => uint(add(value, objects), 2));
  return Buffer.concat([sized(mark, counted.length), ...numbers]);
}

function sized(mark: number, count: number): Buffer {
  if (count < 15) return Buffer.of(mark | count);
  return Buffer.concat([Buffer.of(mark | 15, 0x11), uint(count, 2)]);
}

function uint(value: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntBE(value, Math.max(0, bytes - 6), Math.min(bytes, 6));
  return buffer;
}
