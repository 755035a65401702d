import { describe, expect, it } from "vitest";
import { renderConstants } from "#dmasim/report/inspect/constants.js";
import { createScreen } from "#dmasim/report/style.js";
import { engineTopics, isPreset, presetFamilies } from "#dmasim/sim/machine/device_preset.js";
import { listShippedMachines, loadShippedMachine } from "#dmasim/sim/machine/load.js";
import { CONSTANT_GROUPS, machineConstants } from "#dmasim/sim/machine_constants.js";
import { allConstants } from "#dmasim/timing/calibration/all.js";

function constantsOf(name: string) {
  return machineConstants(loadShippedMachine(name));
}

describe("timing constants of a machine", () => {
  it("are those of the table, each once, in the order of the groups, of every shipped machine", () => {
    const table = allConstants();
    for (const { name } of listShippedMachines()) {
      const constants = constantsOf(name);
      const names = constants.map((constant) => constant.name);
      expect(new Set(names).size, name).toBe(names.length);
      for (const { name: each, value, unit, status, source } of constants) {
        if (!each.startsWith("class.")) expect(table[each]).toMatchObject({ value, unit, status, source });
        expect(source, each).not.toBe("");
      }
      const groups = constants.map(({ group }) => CONSTANT_GROUPS.indexOf(group));
      expect(groups).toEqual([...groups].sort((a, b) => a - b));
    }
  });

  it("follow its parts: cores, IOMMU, devices, memory", () => {
    const has = (machine: string, ...names: string[]) =>
      names.map((name) => constantsOf(machine).some((constant) => constant.name === name));
    expect(has("haswell-nfp", "device.nfp-6000.readCommandNs", "tags.standard")).toEqual([true, true]);
    expect(has("haswell-nfp", "smmuv3.syncNs", "class.nic.iopsMax", "memory.pmemReadNs")).toEqual([
      false,
      false,
      false,
    ]);
    expect(has("kunpeng-920", "smmuv3.syncNs", "lock.kunpeng.coresPerNode", "vtd.syncNs")).toEqual([true, true, false]);
    expect(has("soc-30bit", "cache.little.lineNs", "rc.soc.readNs", "iommu.vtd.readWalkNs")).toEqual([
      true,
      true,
      false,
    ]);
    expect(has("intel-vtd-2s", "class.nvme.readLatencyNs", "memory.pmemReadNs", "cache.barrierNs")).toEqual([
      true,
      true,
      false,
    ]);
  });

  it("are drawn with value, unit, status and source below a count by status", () => {
    const constants = constantsOf("haswell-nfp");
    const text = renderConstants(createScreen(false, undefined), constants);
    const calibrated = constants.filter(({ status }) => status === "calibrated").length;
    expect(text.split("\n")[0]).toContain(`${calibrated} calibrated`);
    expect(text).toMatch(/rc\.intel-server\.readNs +545 +ns +calibrated +Neugebauer/);
    for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(116);
  });
});

describe("measured devices", () => {
  it("are those with constants of their own, and their relatives", () => {
    expect(presetFamilies()).toContain("nfp-6000");
    expect(["nfp-6000", "gpu-a100", "default", "nfp"].map(isPreset)).toEqual([true, true, false, false]);
  });

  it("have topics behind their DMA block", () => {
    const device = (preset: string | null) => ({ ...(loadShippedMachine("haswell-nfp").devices[0] as never), preset });
    expect(engineTopics(device("nfp-6000"))).toEqual(["pcie-dma", "pcie-latency"]);
    expect(engineTopics(device("gpu-a100"))).toEqual(["gpu-pcie"]);
    expect(engineTopics(device(null))).toEqual([]);
  });
});
