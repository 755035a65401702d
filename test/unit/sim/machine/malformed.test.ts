import { describe, expect, it } from "vitest";
import { DmasimError } from "#dmasim/base/errors.js";
import { loadMachine } from "#dmasim/sim/machine/load.js";
import { BASE, edit, withMachineFile } from "./machine_file.ts";

interface Case {
  readonly title: string;
  readonly text: string;
  /** Key that the error names. */
  readonly path: string;
  /** What the message must say: value, limit, names. */
  readonly says: readonly (string | RegExp)[];
}

const PMEM_LINE = "start: 0x200000000, size: 1GiB, memmap: zone-device";
const RP0 = "{ name: rp0, kind: root-port, parent: rc0 }";

const CASES: readonly Case[] = [
  { title: "unknown key", text: edit("mode:", "mod:"), path: "iommu.mod", says: ["mode"] },
  {
    title: "size without sense",
    text: edit("size: 2GiB", "size: lots"),
    path: "memory[1].size",
    says: ['"lots"', "allowed", "4GiB"],
  },
  {
    title: "unknown era",
    text: edit('era: "6.12"', "era: 5.4"),
    path: "kernel.era",
    says: ["5.4", "4.1, 6.1, 6.12, 7.x"],
  },
  {
    title: "preset that was not measured",
    text: edit("    class: nvme", "    class: nvme\n    preset: nfp"),
    path: "devices[0].preset",
    says: ['"nfp"', "nfp-6000"],
  },
  {
    title: "overlapping regions",
    text: edit("start: 0x100000000", "start: 0x7ff00000"),
    path: "memory[1].start",
    says: ["memory ram1 overlaps memory ram0", "[0x7ff00000, ", "[0x100000, 0x80000000)"],
  },
  {
    title: "BAR over RAM",
    text: edit("start: 0x90000000", "start: 0x78000000"),
    path: "devices[0].bars[0].start",
    says: ["BAR 2 of nvme0 overlaps memory ram0", "0x78000000", "0x80000000"],
  },
  {
    title: "region inside a page",
    text: edit("start: 0x100000, size: 0x7ff00000", "start: 0x100200, size: 0x7fe00000"),
    path: "memory[0].start",
    says: ["0x100200", "4096"],
  },
  {
    title: "size inside a page",
    text: edit("size: 0x7ff00000", "size: 0x7ff00800"),
    path: "memory[0].size",
    says: ["2146437120", "4096"],
  },
  {
    title: "address beyond 2^52",
    text: edit("start: 0x200000000", "start: 0x10000000000000"),
    path: "memory[2].start",
    says: ["4503599627370496", "2^52"],
  },
  {
    title: "range that ends beyond 2^52",
    text: edit("start: 0x200000000", "start: 0xfffffffe00000"),
    path: "memory[2].size",
    says: ["0xfffffffe00000", "2^52"],
  },
  {
    title: "zone-device off its section",
    text: edit("0x200000000, size: 1GiB", "0x200001000, size: 1GiB"),
    path: "memory[2].start",
    says: ["0x200001000", "2 MiB", "6.12"],
  },
  {
    title: "zone-device off a whole section in era 4.1",
    text: edit('era: "6.12"', "era: 4.1").replace("0x200000000, size: 1GiB", "0x200200000, size: 1GiB"),
    path: "memory[2].start",
    says: ["0x200200000", "128 MiB", "4.1"],
  },
  {
    title: "memmap that pmem cannot have",
    text: edit(PMEM_LINE, PMEM_LINE.replace("zone-device", "p2pdma")),
    path: "memory[2].memmap",
    says: ['"p2pdma"', "none, zone-device"],
  },
  {
    title: "no RAM",
    text: edit("  - { name: ram0, start: 0x100000, size: 0x7ff00000 }\n", "").replace(
      "  - { name: ram1, start: 0x100000000, size: 2GiB }\n",
      "",
    ),
    path: "memory",
    says: ["no RAM", "at least one region of kind ram"],
  },
  {
    title: "duplicate region",
    text: edit("name: ram1", "name: ram0"),
    path: "memory[1].name",
    says: ['"ram0"', "must be different"],
  },
  {
    title: "device named as a port",
    text: edit("name: nic0", "name: rp0"),
    path: "devices[1].name",
    says: ['"rp0"'],
  },
  {
    title: "unknown parent",
    text: edit("parent: dn1", "parent: dn9"),
    path: "devices[1].parent",
    says: ['"dn9"', "rc0, rp0, up0, dn0, dn1"],
  },
  {
    title: "cycle",
    text: edit("parent: rp0, link", "parent: dn0, link"),
    path: "pcie[2].parent",
    says: ["up0 -> dn0 -> up0", "must lead to a root complex"],
  },
  {
    title: "port below a port of the wrong kind",
    text: edit(RP0, "{ name: rp0, kind: root-port, parent: dn0 }").replace("parent: rp0, link", "parent: rc0, link"),
    path: "pcie[1].parent",
    says: ["dn0 (switch-downstream)", "root-complex"],
  },
  {
    title: "device below an upstream port",
    text: edit("parent: dn1", "parent: up0"),
    path: "devices[1].parent",
    says: ["up0 (switch-upstream)", "switch-downstream"],
  },
  {
    title: "two devices on one link",
    text: edit("parent: dn1", "parent: dn0"),
    path: "devices[1].parent",
    says: ["nic0 beside nvme0 on dn0"],
  },
  {
    title: "bdf clash",
    text: edit("0000:04:00.0", "0000:03:00.0"),
    path: "devices[1].bdf",
    says: ["0000:03:00.0", "nvme0", "domain:bus:device.function"],
  },
  { title: "bdf of the wrong form", text: edit("0000:04:00.0", "4:0.0"), path: "devices[1].bdf", says: ['"4:0.0"'] },
  {
    title: "unknown IOMMU unit",
    text: edit("kind: root-complex\n", "kind: root-complex\n    iommu_unit: dmar7\n"),
    path: "pcie[0].iommu_unit",
    says: ['"dmar7"', "dmar0"],
  },
  {
    title: "a shared flush queue before Linux 6.7",
    text: edit('era: "6.12"', "era: 6.1").replace("mode: strict", "mode: lazy\n  shadow_on_flush: true"),
    path: "iommu.shadow_on_flush",
    says: ["era 6.1", "Linux 6.7"],
  },
  {
    title: "a flush queue that is no power of two",
    text: edit("mode: strict", "mode: lazy\n  shadow_on_flush: true\n  fq_size: 30000"),
    path: "iommu.fq_size",
    says: ["30000", "power of two"],
  },
  {
    title: "a flush queue too long for each CPU",
    text: edit("mode: strict", "mode: lazy\n  fq_size: 512"),
    path: "iommu.fq_size",
    says: ["512", "at most 256", "shadow_on_flush"],
  },
  {
    title: "a flush queue of another size in era 4.1",
    text: edit('era: "6.12"', "era: 4.1")
      .replace(", memmap: zone-device", "")
      .replace("mode: strict", "mode: lazy\n  fq_size: 128"),
    path: "iommu.fq_size",
    says: ["era 4.1", "250 entries"],
  },
  {
    title: "several units and no choice",
    text: edit("[{ name: dmar0 }]", "[{ name: dmar0 }, { name: dmar1 }]"),
    path: "pcie[0]",
    says: ["rc0", "dmar0, dmar1"],
  },
  {
    title: "mode without IOMMU",
    text: edit("kind: intel-vtd", "kind: none"),
    path: "iommu.mode",
    says: ['"strict"', "iommu.kind is none"],
  },
  {
    title: "page sizes that VT-d lacks",
    text: edit("mode: strict", "mode: strict\n  page_sizes: [16KiB, 32MiB]"),
    path: "iommu.page_sizes",
    says: ["16 KiB, 32 MiB", "4 KiB first, then 2 MiB, 1 GiB"],
  },
  {
    title: "IOVA width that VT-d lacks",
    text: edit("mode: strict", "mode: strict\n  address_bits: 44"),
    path: "iommu.address_bits",
    says: ["44", "39, 48, 57"],
  },
  {
    title: "IOTLB that has no sets",
    text: edit("{ name: dmar0 }", "{ name: dmar0, iotlb_entries: 64, iotlb_ways: 24 }"),
    path: "iommu.units[0].iotlb_ways",
    says: ["64 entries / 24 ways"],
  },
  {
    title: "pool outside RAM",
    text: edit("size: 64MiB }", "size: 64MiB, start: 0x7fe00000 }"),
    path: "swiotlb.start",
    says: ["[0x7fe00000, 0x83e00000)", "ram0 [0x100000, 0x80000000)"],
  },
  {
    title: "pool above 4 GiB",
    text: edit("size: 64MiB }", "size: 64MiB, start: 0x100000000 }"),
    path: "swiotlb.start",
    says: ["[0x100000000, 0x104000000)", "end at most 0x100000000"],
  },
  {
    title: "pool larger than low RAM",
    text: edit("size: 0x7ff00000", "size: 32MiB"),
    path: "swiotlb.size",
    says: ["64 MiB", "ram0 [0x100000, "],
  },
  {
    title: "pool of broken segments",
    text: edit("size: 64MiB }", "size: 1000KiB }"),
    path: "swiotlb.size",
    says: ["1024000", "262144"],
  },
  {
    title: "areas that are no power of two",
    text: edit("size: 64MiB }", "size: 64MiB, areas: 3 }"),
    path: "swiotlb.areas",
    says: ["got 3", "power of two up to 256"],
  },
  {
    title: "BAR that is no power of two",
    text: edit("size: 64MiB, memmap", "size: 48MiB, memmap"),
    path: "devices[0].bars[0].size",
    says: ["50331648", "power of two"],
  },
  {
    title: "BAR off its alignment",
    text: edit("start: 0x90000000", "start: 0x91000000"),
    path: "devices[0].bars[0].start",
    says: ["0x91000000", "64 MiB"],
  },
  {
    title: "BAR outside the windows",
    text: edit("start: 0x90000000", "start: 0xd0000000"),
    path: "devices[0].bars[0].start",
    says: ["[0xd0000000, 0xd4000000)", "[0x80000000, 0xc0000000)"],
  },
  {
    title: "default device that is not there",
    text: edit("default_block_device: nvme0", "default_block_device: nvme9"),
    path: "default_block_device",
    says: ['"nvme9"', "block medium: nvme0"],
  },
  {
    title: "default device without a block medium",
    text: edit("default_block_device: nvme0", "default_block_device: nic0"),
    path: "default_block_device",
    says: ["nic0 (wire)", "block medium: nvme0"],
  },
  {
    title: "too many CPUs",
    text: edit("cores_per_socket: 4", "cores_per_socket: 300"),
    path: "cpus",
    says: ["300", "at most 256"],
  },
  {
    title: "too many queues",
    text: edit("class: nvme\n", "class: nvme\n    queues: 1024\n"),
    path: "devices",
    says: ["1028", "at most 1024"],
  },
  {
    title: "too many devices",
    text: `${edit("default_block_device: nvme0\n", "")}${Array.from({ length: 63 }, (_, n) => `  - { name: x${n}, class: soc }\n`).join("")}`,
    path: "devices",
    says: ["65", "at most 64"],
  },
  {
    title: "interrupts on a CPU that is not there",
    text: edit("class: nic\n", "class: nic\n    irq_cpus: [0, 4]\n"),
    path: "devices[1].irq_cpus[1]",
    says: ["got 4", "0 to 3"],
  },
  {
    title: "align mask with a hole",
    text: edit("class: nic\n", "class: nic\n    min_align_mask: 0xf0f\n"),
    path: "devices[1].min_align_mask",
    says: ["0xf0f", "2^n - 1", "0xfff"],
  },
  {
    title: "duration without a unit",
    text: edit("class: nic\n", "class: nic\n    service: { read_latency: 80 }\n"),
    path: "devices[1].service.read_latency",
    says: ["80", "unit", "80us"],
  },
];

describe("malformed machines", () => {
  it("start from a sound one", () => {
    expect(withMachineFile(BASE, (file) => loadMachine(file)).name).toBe("base");
  });

  it.each(CASES)("$title", ({ text, path, says }) => {
    withMachineFile(text, (file) => {
      const error = catchError(() => loadMachine(file));
      expect(error.exitCode).toBe(2);
      expect(error.code).toMatch(/^DMASIM_MACHINE_/);
      expect(error.parts.path).toBe(path);
      expect(error.parts.at?.file).toBe(file);
      expect(error.parts.at?.line).toBe(lineOf(text, path));
      expect(error.parts.remedy).toBeTruthy();
      for (const part of says) expect(error.message).toMatch(part instanceof RegExp ? part : literal(part));
    });
  });
});

function catchError(run: () => unknown): DmasimError {
  try {
    run();
  } catch (error) {
    if (error instanceof DmasimError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

function literal(text: string): RegExp {
  return new RegExp(text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
}

/** Line of the list element or key that `path` names, found by reading the text; every element of BASE's lists starts with "- ". */
function lineOf(text: string, path: string): number {
  const lines = text.split("\n");
  const [, top, index, rest] = /^(\w+)(?:\[(\d+)\])?\.?(.*)$/.exec(path) ?? [];
  const start = lines.findIndex((line) => line.startsWith(`${top}:`));
  if (index === undefined && (rest === "" || lines[start]?.includes("{"))) return start + 1;
  const element = index === undefined ? start : nthElement(lines, start, Number(index));
  const key = /^\w+/.exec(rest ?? "")?.[0];
  if (key === undefined) return element + 1;
  for (let at = element; at < lines.length; at += 1) {
    if (at > element && index !== undefined && lines[at]?.startsWith("  - ")) break;
    if (new RegExp(`\\b${key}:`).test(lines[at] ?? "")) return at + 1;
  }
  return element + 1;
}

function nthElement(lines: readonly string[], start: number, index: number): number {
  let left = index;
  for (let at = start + 1; at < lines.length; at += 1) {
    if (!lines[at]?.startsWith("  - ")) continue;
    if (left === 0) return at;
    left -= 1;
  }
  return start;
}
