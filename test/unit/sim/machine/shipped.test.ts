import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { DmasimError } from "#dmasim/base/errors.js";
import { packagePath } from "#dmasim/base/package_root.js";
import { listShippedMachines, loadShippedMachine, resolveMachine } from "#dmasim/sim/machine/load.js";

const SHIPPED = [
  "amd-epyc-2s",
  "arc-2-switch",
  "arm-smmu-8nvme",
  "confidential-vm",
  "desktop-gpu-256m",
  "gpu-8-switch",
  "gpu-pair-48g",
  "guest-8gpu",
  "haswell-nfp",
  "hotplug-server",
  "intel-vtd-2s",
  "kunpeng-920",
  "media-board",
  "qemu-q35",
  "soc-30bit",
];
const GIB = 2 ** 30;

function ramBytes(name: string): number {
  const ram = loadShippedMachine(name).memory.filter((region) => region.kind === "ram");
  return ram.reduce((sum, region) => sum + region.bytes, 0);
}

describe("shipped machines", () => {
  it("are all listed, and each loads under its own name", () => {
    expect(listShippedMachines().map((machine) => machine.name)).toEqual(SHIPPED);
    for (const name of SHIPPED) {
      const machine = loadShippedMachine(name);
      expect(machine.name).toBe(name);
      expect(machine.title.length).toBeGreaterThan(10);
      expect(machine.era).toBe("6.12");
      const block = machine.devices.find((device) => device.name === machine.defaultBlockDevice);
      if (name === "haswell-nfp" || name === "media-board") expect(block).toBeUndefined();
      else expect(block?.medium?.kind).toBe("block");
    }
  });

  it("survive every era, defects setting and IOMMU switched off", () => {
    for (const name of SHIPPED) {
      for (const era of ["4.1", "6.1", "6.12", "7.x"]) {
        expect(loadShippedMachine(name, [{ path: "kernel.era", value: era }]).era).toBe(era);
      }
      const off = loadShippedMachine(name, [{ path: "iommu.mode", value: "off" }]);
      expect(off.iommu.mode).toBe("off");
      expect(off.devices.every((device) => device.iommuMode === null)).toBe(true);
    }
  });

  it("intel-vtd-2s has every kind of path", () => {
    const machine = loadShippedMachine("intel-vtd-2s");
    const device = (name: string) => machine.devices.find((other) => other.name === name);
    expect(ramBytes("intel-vtd-2s") / GIB).toBeCloseTo(256, 1);
    expect(machine.devices.map((other) => other.iommuMode)).toEqual([
      null,
      "lazy",
      "passthrough",
      null,
      null,
      "passthrough",
      null,
    ]);
    expect(device("nvme3")?.bars[0]).toMatchObject({ bytes: 256 * 2 ** 20, memmap: "p2pdma" });
    const parentOf = (name: string) => machine.bridges.find((bridge) => bridge.name === device(name)?.parent)?.parent;
    expect(parentOf("nvme2")).toBe(parentOf("nvme3"));
    expect(device("capture0")?.dmaMaskBits).toBe(32);
    expect(device("ioat0")).toMatchObject({ link: null, iommuUnit: "dmar0" });
    expect(machine.memory.filter((region) => region.kind === "pmem")).toMatchObject([
      { name: "pmem0", bytes: 1024 * GIB, memmap: "none" },
      { name: "pmem1", bytes: 512 * GIB, memmap: "zone-device" },
    ]);
  });

  it("confidential-vm derives its pool from 6 % of RAM, up to the next power of two, and forces it", () => {
    const { swiotlb, confidential, iommu } = loadShippedMachine("confidential-vm");
    expect(confidential).toBe(true);
    expect(iommu.kind).toBe("none");
    expect(swiotlb.force).toBe(true);
    expect(swiotlb.bytes).toBe(2 ** Math.ceil(Math.log2(ramBytes("confidential-vm") * 0.06)));
    const old = loadShippedMachine("confidential-vm", [{ path: "kernel.era", value: '"4.1"' }]);
    expect(old.swiotlb.bytes / ramBytes("confidential-vm")).toBeCloseTo(0.06, 3);
    const large = loadShippedMachine("confidential-vm", [{ path: "memory.ram1.size", value: "30GiB" }]);
    expect(large.swiotlb.bytes).toBe(GIB);
  });

  it("soc-30bit keeps its pool inside the reach of its 30-bit device", () => {
    const machine = loadShippedMachine("soc-30bit");
    const limit = machine.devices[0]?.busDmaLimit ?? 0;
    expect(limit).toBe(GIB - 1);
    expect(machine.swiotlb.start + machine.swiotlb.bytes - 1).toBeLessThanOrEqual(limit);
    expect(machine.devices.every((device) => !device.coherent)).toBe(true);
    expect(ramBytes("soc-30bit")).toBe(4 * GIB);
  });

  it("gpu-8-switch groups four GPUs below each switch", () => {
    const { devices, bridges } = loadShippedMachine("gpu-8-switch");
    const groups = devices
      .filter((device) => device.class === "gpu")
      .map((device) => bridges.find((bridge) => bridge.name === device.parent)?.parent);
    expect(groups).toEqual(["sw0", "sw0", "sw0", "sw0", "sw1", "sw1", "sw1", "sw1"]);
  });

  it("desktop-gpu-256m shows 16 GiB through 256 MiB", () => {
    const gpu = loadShippedMachine("desktop-gpu-256m").devices[0];
    expect(gpu?.memory?.bytes).toBe(16 * GIB);
    expect(gpu?.bars.find((bar) => bar.index === gpu.memory?.bar)?.bytes).toBe(2 ** 28);
  });

  it("qemu-q35 mirrors the traced machine", () => {
    const machine = loadShippedMachine("qemu-q35");
    expect(machine.iommu).toMatchObject({ kind: "intel-vtd", mode: "strict", addressBits: 39 });
    expect(machine.cpus.count).toBe(2);
    expect(machine.devices[0]).toMatchObject({ bdf: "0000:00:04.0", queues: 2, maxTransferBytes: 524288 });
    expect(machine.devices[1]).toMatchObject({ bdf: "0000:00:1f.2", maxSegments: 168, maxSegBytes: 65536 });
  });

  it("say which cores, cache and memory they have; measured ones take a dozen lines", () => {
    for (const name of SHIPPED) {
      const text = readFileSync(packagePath("profiles", "machines", `${name}.yaml`), "utf8");
      expect(text, name).toMatch(/uarch: .*llc: /);
      expect(text, name).toMatch(/^dram: /m);
      const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
      if (["haswell-nfp", "kunpeng-920"].includes(name)) expect(lines.length, name).toBeLessThanOrEqual(12);
    }
  });

  it("haswell-nfp is the measured system: 32 tags, 4 KiB pages, an IOTLB of 120 entries, no service model", () => {
    const machine = loadShippedMachine("haswell-nfp");
    expect(machine.cpus).toMatchObject({ uarch: "haswell-ep", llcBytes: 15 * 2 ** 20 });
    expect(machine.iommu.units[0]).toMatchObject({ iotlbEntries: 120, walkers: 5 });
    const link = { gen: 3, lanes: 8, extTags: false };
    expect(machine.devices[0]).toMatchObject({ preset: "nfp-6000", serviceFrom: "none", link });
  });

  it("are named in the error for a name that is none of them", () => {
    const load = () => resolveMachine("intel-vtd-2");
    expect(load).toThrow(DmasimError);
    expect(load).toThrow(/no shipped machine.*"intel-vtd-2".*amd-epyc-2s.*did you mean intel-vtd-2s/s);
    expect(() => resolveMachine("./nowhere.yaml")).toThrow(/does not exist/);
  });
});
