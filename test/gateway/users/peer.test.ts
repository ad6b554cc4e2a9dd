import fc from "fast-check";
import { expect, test } from "vitest";
import { peerOf } from "../../../src/gateway/users/peer.ts";

test.each([
  ["192.0.2.7", "192.0.2.7"],
  ["::ffff:192.0.2.7", "192.0.2.7"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:db8::1", "2001:db8:0:0::/64"],
  ["2001:0db8:0001::1", "2001:db8:1:0::/64"],
  ["fe80::1%eth0", "fe80:0:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
  [undefined, ""],
])("%s is the peer %s", (address, peer) => {
  expect(peerOf(address)).toBe(peer);
});

test("all addresses of one IPv6 network are one peer, however they are written", () => {
  const group = fc.integer({ min: 0, max: 0xffff }).map((value) => value.toString(16));
  const groups = (count: number) => fc.array(group, { minLength: count, maxLength: count });
  fc.assert(
    fc.property(groups(4), groups(4), groups(4), (network, one, other) => {
      const [a, b] = [one, other].map((rest) => peerOf([...network, ...rest].join(":")));
      expect(a).toBe(b);
      expect(a).toBe(`${network.join(":")}::/64`);
    }),
  );
});
