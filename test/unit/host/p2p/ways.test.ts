import { describe, expect, it } from "vitest";
import { peerResourceOp } from "#dmasim/host/arch/peer_resource.js";
import { ARCHITECTURES } from "#dmasim/host/arch/table.js";
import { DIR, type DmaDevice } from "#dmasim/host/dma/device.js";
import { closePeer, isPeerDrained, openPeer, peerMappings } from "#dmasim/host/p2p/peer_life.js";
import { PeerResources } from "#dmasim/host/p2p/peer_resource.js";
import { mapPhysVec, unmapPhysVec } from "#dmasim/host/p2p/phys_vec.js";
import { MAP_FAILURES } from "#dmasim/host/status.js";
import type { Bar } from "#dmasim/sim/machine/description.js";
import { MappingLab } from "#dmasim/sim/mapping/lab.js";
import { System } from "#dmasim/sim/system.js";
import { compareWays } from "#dmasim/sim/topology/ways.js";
import { machineOf } from "../../../support/run.ts";

const NEWEST = { "kernel.era": '"7.x"' } as const;
const [NIC0, GPU0, GPU4] = [8, 0, 4];
const BIDI = DIR.bidirectional;

function waysOf(set: Record<string, string>, client: number, provider: number) {
  const system = new System(machineOf("gpu-8-switch", set));
  return compareWays(system, client, provider, system.machine.devices[provider]?.bars[0] as Bar, 0x10000);
}

describe("three ways to map a peer's BAR", () => {
  it.each([
    ["bus address", NEWEST, GPU0, 0x200000010000],
    ["CPU address", NEWEST, GPU4, 0x210000010000],
    ["IOVA", { ...NEWEST, "iommu.mode": "strict" }, GPU4, 0xfffff000],
  ])("give one address: %s", (space, set, provider, dmaAddr) => {
    const { ways } = waysOf(set, NIC0, provider);
    expect(ways.map((way) => [way.dmaAddr, way.space, way.heldAfter])).toEqual(Array(3).fill([dmaAddr, space, 0]));
  });

  it("apply the bus offset of the host bridge to bus addresses", () => {
    const { ways, busOffset } = waysOf({ ...NEWEST, "pcie.rc0.bus_offset": "-4294967296" }, NIC0, GPU0);
    expect(busOffset).toBe(-(2 ** 32));
    expect(new Set(ways.map(({ dmaAddr }) => dmaAddr))).toEqual(new Set([0x200000010000 - 2 ** 32]));
  });

  it("without struct pages the list is refused, the others are not", () => {
    const { ways } = waysOf(
      { ...NEWEST, "devices.gpu0.bars[0].memmap": "none", "devices.gpu0.memory": "null" },
      NIC0,
      GPU0,
    );
    expect(ways.map(({ dmaAddr }) => dmaAddr)).toEqual([0x200000010000, null, 0x200000010000]);
    expect(ways[1]?.refusal?.why).toContain("pci_p2pdma_add_resource");
  });

  it.each(['"4.1"', '"6.12"'])("kernel %s has no page-less provider", (era) => {
    const { ways } = waysOf({ "kernel.era": era }, NIC0, GPU0);
    expect(ways[2]?.refusal).toMatchObject({ errnoName: "EOPNOTSUPP" });
    expect(ways[0]?.dmaAddr).toBe(0x200000010000);
  });

  it("the ops tables of 4.1: none has the operation, three x86 ones with the series", () => {
    expect(ARCHITECTURES.filter((row) => peerResourceOp(row, false).addressRule !== null)).toEqual([]);
    const takes = ARCHITECTURES.filter((row) => peerResourceOp(row, true).addressRule !== null);
    expect(takes.map(({ name }) => name)).toEqual(["x86-nommu", "intel-iommu", "amd-iommu"]);
    for (const row of ARCHITECTURES) expect(peerResourceOp(row, false).reason).toContain("no map_peer_resource");
  });
});

describe("a mapping holds its provider", () => {
  const system = new System(machineOf("gpu-8-switch", NEWEST));
  const client = system.devices[NIC0] as DmaDevice;
  const { ctx, arena } = new MappingLab(system, client, [
    { text: "", kind: "ram", region: "ram1", phys: 2 ** 32, bytes: 4096, hasPage: true },
  ]);
  const resources = new PeerResources(system.bars, system.memmap, true);
  const resource = { provider: GPU0, bar: 2, offset: 0, bytes: 4096 };

  it("going: no new mapping, drained after the last unmap", () => {
    const dmaAddr = resources.map(ctx, resource, client, BIDI, 0);
    const vector = mapPhysVec(ctx, system.bars, GPU0, 2, [{ phys: 0x200000000000, bytes: 4096 }], client, BIDI);
    if (typeof vector === "number") throw new Error("the vector was refused");
    expect(peerMappings(arena, GPU0)).toBe(2);
    expect(closePeer(arena, GPU0)).toBe(2);
    expect(resources.map(ctx, resource, client, BIDI, 0)).toBe(-MAP_FAILURES.peerGone.code);
    expect(isPeerDrained(arena, GPU0)).toBe(false);
    resources.unmap(ctx, resource, client, dmaAddr, BIDI, 0);
    unmapPhysVec(ctx, vector, client, BIDI);
    expect(isPeerDrained(arena, GPU0)).toBe(true);
    openPeer(arena, GPU0);
    expect(peerMappings(arena, GPU0)).toBe(0);
  });

  it.each([
    [{ ...resource, offset: 128 * 2 ** 30 }],
    [{ ...resource, bytes: 0 }],
    [{ ...resource, bar: 3 }],
    [{ ...resource, offset: -4096 }],
  ])("outside the BAR: %o", (wrong) => {
    expect(resources.map(ctx, wrong, client, BIDI, 0)).toBe(-MAP_FAILURES.invalid.code);
    expect(peerMappings(arena, GPU0)).toBe(0);
  });

  it("an ops table without the operation", () => {
    const none = new PeerResources(system.bars, system.memmap, false);
    expect(none.map(ctx, resource, client, BIDI, 0)).toBe(-MAP_FAILURES.noPeerOp.code);
  });
});
