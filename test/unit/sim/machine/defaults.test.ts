import { describe, expect, it } from "vitest";
import { DEVICE_CLASSES } from "#dmasim/sim/machine/device_classes.js";
import { resolveMachine } from "#dmasim/sim/machine/load.js";
import { machineJsonSchema } from "#dmasim/sim/machine/schema.js";
import { BASE, edit, loadText, withMachineFile } from "./machine_file.ts";

const SMALLEST = `name: tiny
title: The smallest machine
cpus: { cores_per_socket: 2 }
memory: [{ name: ram0, start: 0x100000, size: 1GiB }]
devices: [{ name: nvme0, class: nvme }]
`;

describe("defaults", () => {
  it("fill the smallest machine", () => {
    const machine = loadText(SMALLEST);
    expect(machine).toMatchObject({
      arch: "x86-64",
      era: "6.12",
      defects: "shipped",
      cpus: { sockets: 1, threadsPerCore: 1, count: 2, vendor: "intel", family: 6 },
      iommu: { kind: "none", mode: "off", units: [] },
      swiotlb: { bytes: 64 * 2 ** 20, areas: 2, force: false },
      bridges: [],
      defaultBlockDevice: "nvme0",
      confidential: false,
    });
    expect(machine.devices[0]).toMatchObject({
      queues: 2,
      queueDepth: 1023,
      dmaMaskBits: 64,
      minAlignMask: 0xfff,
      maxSegBytes: 2 ** 32 - 1,
      coherent: true,
      link: null,
      iommuUnit: null,
      bdf: "nvme0",
    });
  });

  it("put the bounce pool at the top of the highest RAM below 4 GiB", () => {
    const { swiotlb } = loadText(BASE);
    expect(swiotlb.start).toBe(0x80000000 - 64 * 2 ** 20);
    expect(loadText(edit("size: 64MiB }", "size: 64MiB, any: true }")).swiotlb.start).toBe(0x180000000 - 64 * 2 ** 20);
  });

  it("give each CPU a flush queue of 256 slots, and units that shadow their tables one of 32768", () => {
    const queueOf = (keys: string) => loadText(edit("mode: strict", `mode: lazy${keys}`)).iommu.flushQueue;
    expect(queueOf("")).toEqual({ shared: false, entries: 256, timeoutNs: 10e6 });
    expect(queueOf("\n  shadow_on_flush: true")).toEqual({ shared: true, entries: 32768, timeoutNs: 1e9 });
    const chosen = queueOf("\n  shadow_on_flush: true\n  fq_size: 4096\n  fq_timeout: 50ms");
    expect(chosen).toEqual({ shared: true, entries: 4096, timeoutNs: 50e6 });
  });

  it("give era 4.1 one bounce area and page-less persistent memory", () => {
    const old = loadText(edit('era: "6.12"', "era: 4.1").replace(", memmap: zone-device", ""));
    expect(old.swiotlb.areas).toBe(1);
    expect(old.memory[2]?.memmap).toBe("none");
    expect(loadText(BASE).swiotlb.areas).toBe(4);
  });

  it("turn access control redirects on where an IOMMU is in use", () => {
    const acs = (text: string) => loadText(text).bridges.map((bridge) => bridge.acs.length);
    expect(acs(BASE)).toEqual([0, 2, 0, 2, 2]);
    expect(acs(edit("mode: strict", "mode: off"))).toEqual([0, 0, 0, 0, 0]);
    expect(acs(edit("parent: up0 }", "parent: up0, acs: [] }"))).toEqual([0, 2, 0, 0, 2]);
  });

  it("train a link to the weaker end, and inherit node and IOMMU unit", () => {
    const text = edit("parent: rc0 }", "parent: rc0, node: 1, link: { gen: 3, lanes: 8, mps: 128 } }");
    const machine = loadText(text);
    expect(machine.bridges[1]?.link).toMatchObject({ gen: 3, lanes: 8, mpsBytes: 128 });
    expect(machine.bridges[2]?.link).toMatchObject({ gen: 3, lanes: 8, mpsBytes: 128 });
    expect(machine.devices[0]?.link).toMatchObject({ gen: 4, lanes: 4, mpsBytes: 256 });
    expect(machine.devices.map((device) => [device.node, device.iommuUnit])).toEqual([
      [1, "dmar0"],
      [1, "dmar0"],
    ]);
  });

  it("find free PCI addresses", () => {
    const text = edit('    bdf: "0000:03:00.0"\n', "").replace('bdf: "0000:04:00.0"', 'bdf: "0000:01:00.0"');
    expect(loadText(text).devices.map((device) => device.bdf)).toEqual(["0000:02:00.0", "0000:01:00.0"]);
  });

  it("are plausible for every class", () => {
    for (const [name, defaults] of Object.entries(DEVICE_CLASSES)) {
      const { readLatencyNs, parallelism, iopsMax } = defaults.service;
      expect(parallelism, `${name} reaches its own rate`).toBeGreaterThanOrEqual(
        name === "nvme" ? (iopsMax * readLatencyNs) / 1e9 : 1,
      );
      expect(defaults.queueDepth).toBeLessThanOrEqual(1024);
    }
  });

  it("are overridden by --set", () => {
    withMachineFile(BASE, (file) => {
      const machine = resolveMachine(file, [
        { path: "devices.nvme0.queues", value: "2" },
        { path: "iommu.mode", value: "lazy" },
        { path: "devices.nvme0.service.read_latency", value: "10us" },
      ]);
      expect(machine.devices[0]?.queues).toBe(2);
      expect(machine.devices[0]?.service.readLatencyNs).toBe(10_000);
      expect(machine.iommu.mode).toBe("lazy");
    });
  });
});

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly description?: string;
  readonly additionalProperties?: boolean;
}

function undescribed(schema: JsonSchema, path: string): string[] {
  const inner = [...(schema.anyOf ?? []), ...(schema.items === undefined ? [] : [schema.items])];
  const own = Object.entries(schema.properties ?? {}).flatMap(([key, child]) => [
    ...(child.description === undefined ? [`${path}.${key}`] : []),
    ...undescribed(child, `${path}.${key}`),
  ]);
  return [...own, ...inner.flatMap((child) => undescribed(child, path))];
}

describe("machineJsonSchema", () => {
  it("describes every key and refuses unknown ones", () => {
    const schema = machineJsonSchema() as JsonSchema;
    expect(undescribed(schema, "machine")).toEqual([]);
    expect(schema.additionalProperties).toBe(false);
    expect(Object.keys(schema.properties ?? {})).toContain("default_block_device");
  });

  it("is plain JSON", () => {
    expect(JSON.parse(JSON.stringify(machineJsonSchema()))).toEqual(machineJsonSchema());
  });
});
