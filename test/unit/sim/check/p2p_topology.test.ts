import { describe, expect, it } from "vitest";
import { P2P_OPS } from "#dmasim/sim/check/ops_p2p.js";
import { runCases } from "#dmasim/sim/check/runner.js";

/** Topology in words, CPU, root device; distance and map that calc_map_type_and_dist gives. */
const TREES: readonly (readonly [words: string, cpu: string, root: string, distance: number, map: string])[] = [
  ["provider and client below two downstream ports of one switch, no ACS redirect", "", "", 4, "BUS_ADDR"],
  ["provider and client under the same switch", "Intel", "8086:1237", 4, "BUS_ADDR"],
  ["two functions of one multi-function device", "Intel", "", 2, "BUS_ADDR"],
  ["client is the provider itself (its own BAR)", "", "", 0, "BUS_ADDR"],
  ["one switch, the upstream port has ACS Completion Redirect set", "AMD family 0x17", "", 4, "THRU_HOST_BRIDGE"],
  ["one switch, the client's downstream port has ACS Egress Control set", "Intel", "8086:1237", 4, "NOT_SUPPORTED"],
  ["one switch; the root port above the switch has ACS Request Redirect set", "Intel", "", 4, "BUS_ADDR"],
  ["one switch; a downstream port has ACS Source Validation set", "Intel", "", 4, "BUS_ADDR"],
  ["two root ports of the same host bridge", "AMD family 0x15", "", 4, "NOT_SUPPORTED"],
  ["two root ports of the same host bridge", "AMD family 19h", "", 4, "THRU_HOST_BRIDGE"],
  ["two root ports of the same host bridge", "Intel", "8086:2f00", 4, "THRU_HOST_BRIDGE"],
  ["root ports of two different host bridges", "Intel", "8086:2f00", 4, "NOT_SUPPORTED"],
  ["root ports of two different host bridges", "Intel", "8086:2020", 4, "THRU_HOST_BRIDGE"],
  ["root ports of two different host bridges", "Intel", "1ae0:0001", 4, "THRU_HOST_BRIDGE"],
  ["provider below a switch, client directly below another root port", "AMD family 0x19", "", 6, "THRU_HOST_BRIDGE"],
  ["two different switches below two root ports", "AMD family 0x19", "", 8, "THRU_HOST_BRIDGE"],
  ["provider below one switch, client below a second switch nested in the same one", "", "", 6, "BUS_ADDR"],
];

describe("PCIe trees in words", () => {
  it.each(TREES)("%s (%s %s)", (topology, cpu, root, distance, map) => {
    const given = { op: "p2p_map_type", topology, cpu, ...(root === "" ? {} : { root_device: root }) };
    const sgtable = map === "NOT_SUPPORTED" ? -121 : 0;
    const expected = { distance, map, dma_map_sgtable: sgtable };
    const one = { id: "p", area: "p2pdma", op: "p2p_map_type", given, expect: expected, source: "" };
    expect(runCases([one], P2P_OPS).cases[0]).toEqual({
      id: "p",
      area: "p2pdma",
      op: "p2p_map_type",
      status: "passed",
    });
  });

  it("a client that is no PCI device reaches nothing", () => {
    const given = { op: "p2p_map_type", topology: "client is not a PCI device" };
    const one = {
      id: "p",
      area: "p2pdma",
      op: "p2p_map_type",
      given,
      expect: { distance: -1, map: "NOT_SUPPORTED" },
      source: "",
    };
    expect(runCases([one], P2P_OPS).passed).toBe(1);
  });
});
