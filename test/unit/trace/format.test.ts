import { describe, expect, it } from "vitest";
import { DMA_MAPPING_ERROR } from "#dmasim/base/addr.js";
import { attrBit, attrText } from "#dmasim/host/dma/attr_names.js";
import { ATTR, DIR } from "#dmasim/host/dma/device.js";
import { formatTraceEvent, type TraceEvent } from "#dmasim/trace/format.js";

const dev = "0000:01:00.0";
const list = { dev, dir: DIR.fromDevice, physAddrs: [0x10000, 0x50000], dmaAddrs: [0xffffe000], lengths: [0x2000] };
const range = { dev, dir: DIR.toDevice, dmaAddr: 0xfffff000, bytes: 4096, attrs: 0 };

const EVENTS: readonly (readonly [event: TraceEvent, text: string])[] = [
  [
    {
      ...range,
      event: "dma_map_phys",
      dmaAddr: DMA_MAPPING_ERROR,
      phys: 0x383000000000,
      attrs: ATTR.skipCpuSync | ATTR.mmio,
    },
    `dma_map_phys: ${dev} dir=TO_DEVICE dma_addr=ffffffffffffffff size=4096 phys_addr=383000000000 attrs=SKIP_CPU_SYNC|MMIO`,
  ],
  [{ ...range, event: "dma_unmap_page" }, `dma_unmap_page: ${dev} dir=TO_DEVICE dma_addr=fffff000 size=4096 attrs=`],
  [
    { ...range, event: "dma_sync_single_for_cpu" },
    `dma_sync_single_for_cpu: ${dev} dir=TO_DEVICE dma_addr=fffff000 size=4096`,
  ],
  [
    { ...range, event: "dma_alloc", virt: "00000000deadbeef", gfp: "GFP_KERNEL" },
    `dma_alloc: ${dev} dir=TO_DEVICE dma_addr=fffff000 size=4096 virt_addr=00000000deadbeef flags=GFP_KERNEL attrs=`,
  ],
  [
    { ...list, event: "dma_map_sg", attrs: ATTR.skipCpuSync },
    `dma_map_sg: ${dev} dir=FROM_DEVICE nents=2/2 ents=1/1 dma_addrs={0xffffe000} sizes={0x2000} phys_addrs={0x10000,0x50000} attrs=SKIP_CPU_SYNC`,
  ],
  [
    { ...list, event: "dma_map_sg_err", attrs: 0, err: -5 },
    `dma_map_sg_err: ${dev} dir=FROM_DEVICE dma_addrs={0x10000,0x50000} err=-5 attrs=`,
  ],
  [
    { ...list, event: "dma_unmap_sg", attrs: 0 },
    `dma_unmap_sg: ${dev} dir=FROM_DEVICE phys_addrs={0x10000,0x50000} attrs=`,
  ],
  [
    { event: "swiotlb_bounced", dev, mask: 0xffffffff, addr: 2 ** 32, bytes: 4096, forced: true },
    `swiotlb_bounced: dev_name: ${dev} dma_mask=ffffffff dev_addr=100000000 size=4096 FORCE`,
  ],
  [
    { event: "map", iova: 0xffffe000, bytes: 8192, phys: 0x10000, unmappedBytes: 0 },
    "map: IOMMU: iova=0x00000000ffffe000 - 0x0000000100000000 paddr=0x0000000000010000 size=8192",
  ],
  [
    { event: "unmap", iova: 0xffffe000, bytes: 8192, phys: 0, unmappedBytes: 8192 },
    "unmap: IOMMU: iova=0x00000000ffffe000 - 0x0000000100000000 size=8192 unmapped_size=8192",
  ],
  [
    { event: "io_page_fault", dev, driver: "simdev", iova: 0xdead0000, flags: 1 },
    `io_page_fault: IOMMU:simdev ${dev} iova=0x00000000dead0000 flags=0x0001`,
  ],
  [{ event: "add_device_to_group", dev, group: 3 }, `add_device_to_group: IOMMU: groupID=3 device=${dev}`],
  [{ event: "attach_device_to_domain", dev }, `attach_device_to_domain: IOMMU: device=${dev}`],
];

describe("trace text", () => {
  it.each(EVENTS.map(([event, text]) => [event.event, event, text] as const))("%s", (_name, event, text) => {
    expect(formatTraceEvent(event)).toBe(text);
  });

  it("stops lists at 128 entries and says so", () => {
    const addrs = Array.from({ length: 300 }, (_, i) => i * 4096);
    const text = formatTraceEvent({
      ...list,
      event: "dma_map_sg",
      physAddrs: addrs,
      dmaAddrs: addrs.slice(0, 100),
      lengths: addrs,
      attrs: 0,
    });
    expect(text).toContain("nents=128/300 ents=100/100 [TRUNCATED] dma_addrs={0x0,0x1000");
    expect(text.match(/phys_addrs=\{([^}]*)\}/)?.[1]?.split(",")).toHaveLength(128);
  });
});

describe("attribute names", () => {
  it("come in the order of the bits, unknown bits last", () => {
    expect(attrText(0)).toBe("");
    expect(attrText(ATTR.mmio | ATTR.noWarn | 1)).toBe("NO_WARN|MMIO|0x1");
    expect(attrBit("DMA_ATTR_SKIP_CPU_SYNC")).toBe(ATTR.skipCpuSync);
    expect(attrBit("skip_cpu_sync")).toBe(ATTR.skipCpuSync);
    expect(attrBit("SPEED")).toBeUndefined();
  });
});
