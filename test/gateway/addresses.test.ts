import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { gatewaysIn4, gatewaysIn6 } from "../../src/gateway/door/route-table.ts";
import { lookAround, peerAt } from "../../src/gateway/door/peers.ts";
import { AddressList, isAddressRange, readAddress } from "../../src/gateway/keys/addresses.ts";
import { judgeOrigin } from "../../src/gateway/keys/origin.ts";

const has = (list: readonly string[], text: string) => {
  const address = readAddress(text);
  return address !== undefined && new AddressList(list).has(address);
};

describe("a list of addresses", () => {
  test.each([
    [["10.0.0.0/8"], "10.255.0.1", true],
    [["10.0.0.0/8"], "11.0.0.1", false],
    [["10.1.2.3/8"], "10.9.9.9", true],
    [["192.0.2.7"], "192.0.2.7", true],
    [["192.0.2.7"], "::ffff:192.0.2.7", true],
    [["::ffff:192.0.2.7"], "192.0.2.7", true],
    [["::ffff:c000:207"], "192.0.2.7", true],
    [["::ffff:192.0.2.0/120"], "192.0.2.200", true],
    [["::ffff:192.0.2.0/120"], "192.0.3.1", false],
    [["fd00::/8"], "fd12:3456::1", true],
    [["FE80:0:0:0:0:0:0:1"], "fe80::1%eth0", true],
    [["0.0.0.0/0"], "203.0.113.9", true],
    [["0.0.0.0/0"], "2001:db8::1", false],
    [["::/0"], "2001:db8::1", true],
    [["::/0"], "203.0.113.9", false],
    [["127.0.0.1", "::1"], "::1", true],
  ] as const)("%j holds %s: %s", (list, address, expected) => {
    expect(has(list, address)).toBe(expected);
  });

  test.each(["", "local", "10.0.0.0/33", "10.0.0/8", "::1/129", "1.2.3.4/", "::ffff:1.2.3.4/95"])(
    "takes no %j",
    (text) => {
      expect(isAddressRange(text)).toBe(false);
    },
  );

  test("holds exactly the addresses whose leading bits are its own", () => {
    const prefix = fc.integer({ min: 0, max: 32 });
    fc.assert(
      fc.property(fc.ipV4(), fc.ipV4(), prefix, (one, other, bits) => {
        const differing = (numberOf(one) ^ numberOf(other)) >>> 0;
        const isIn = bits === 0 || differing >>> (32 - bits) === 0;
        expect(has([`${one}/${bits}`], other)).toBe(isIn);
      }),
    );
  });

  test("is read from any text without throwing", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.ipV6(), fc.ipV4Extended()), (text) => {
        expect(has([text], text)).toBe(isAddressRange(text) && readAddress(text) !== undefined);
      }),
    );
  });
});

const numberOf = (address: string) =>
  address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);

/** As in a container at 172.18.0.3 whose network leads out through 172.18.0.1. */
const around = {
  engine: ["172.18.0.3", "172.18.0.1", "fd01::1"],
  networks: ["172.18.0.3/16", "10.89.0.4/24"],
};

describe("where a request comes from", () => {
  const judge = (list: readonly string[], peer: string, clients?: "here" | "seen") =>
    judgeOrigin(new AddressList(list), peerAt(peer, around), clients);

  test("is this machine where nobody else can reach the port, whoever the engine says it is", () => {
    for (const peer of ["172.18.0.1", "172.18.0.3", "192.168.65.1", "::ffff:10.0.2.100"]) {
      expect(judge(["127.0.0.1"], peer, "here")).toBe("listed");
      expect(judge(["::1"], peer, "here")).toBe("listed");
      expect(judge(["203.0.113.9"], peer, "here")).toBe("unlisted");
    }
  });

  test("is never this machine for another container", () => {
    for (const peer of ["172.18.0.9", "10.89.0.7"]) {
      for (const clients of ["here", "seen"] as const) {
        expect(judge(["127.0.0.1", "::1"], peer, clients)).toBe("unlisted");
        expect(judge([peer], peer, clients)).toBe("listed");
      }
    }
  });

  test("is the client itself where the engine passes its address on, and this machine for the engine's own", () => {
    expect(judge(["203.0.113.0/24"], "::ffff:203.0.113.9", "seen")).toBe("listed");
    expect(judge(["127.0.0.1"], "203.0.113.9", "seen")).toBe("unlisted");
    expect(judge(["127.0.0.1"], "172.18.0.1", "seen")).toBe("listed");
    expect(judge(["127.0.0.1"], "fd01::1", "seen")).toBe("listed");
    expect(judge(["172.18.0.1"], "172.18.0.1", "seen")).toBe("unlisted");
  });

  test("is not known at all where the configuration does not say, not even for a list of everything", () => {
    expect(judge(["0.0.0.0/0", "::/0"], "172.18.0.1")).toBe("unseen");
  });

  test("is nowhere for a connection that is gone", () => {
    const gone = peerAt(undefined, around);
    expect(judgeOrigin(new AddressList(["0.0.0.0/0"]), gone, "seen")).toBe("unlisted");
  });
});

describe("the way out of a container", () => {
  test("is read from the kernel's table of IPv4", () => {
    const table = [
      "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT",
      "eth0\t00000000\t010012AC\t0003\t0\t0\t0\t00000000\t0\t0\t0",
      "eth0\t000012AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0",
    ].join("\n");
    expect(gatewaysIn4(table)).toEqual(["172.18.0.1"]);
    expect([...gatewaysIn4(""), ...gatewaysIn4("nonsense")]).toEqual([]);
  });

  test("is read from the kernel's table of IPv6", () => {
    const zero = "0".repeat(32);
    const hop = `fd01${"0".repeat(27)}1`;
    const table = [
      `${zero} 00 ${zero} 00 ${hop} 00000400 00000001 00000000 00000003     eth0`,
      `fd01${"0".repeat(28)} 40 ${zero} 00 ${zero} 00000100 00000001 00000000 00000001     eth0`,
    ].join("\n");
    expect(gatewaysIn6(table).map(readAddress)).toEqual([{ family: "ipv6", text: "fd01::1" }]);
    expect(gatewaysIn6("nonsense")).toEqual([]);
  });

  test("is looked for on this very machine without failing", () => {
    const { engine, networks } = lookAround();
    expect(engine.every(isAddressRange)).toBe(true);
    expect(networks.every(isAddressRange)).toBe(true);
  });
});
