/** Names of DMA_ATTR_* bits as the kernel prints them, in the order of the bits (include/linux/dma-mapping.h). */
import { ATTR } from "./device.ts";

/** Bits that mapping code here never looks at, by number. */
const DEBUGGING_IGNORE_CACHELINES = 1 << 11;
const CC_SHARED = 1 << 13;

/** One attribute: its bit and its name without `DMA_ATTR_`. */
export interface AttrName {
  readonly bit: number;
  readonly name: string;
}

/** Every attribute of the newest kernel, rising. */
export const ATTR_NAMES: readonly AttrName[] = Object.freeze([
  { bit: ATTR.weakOrdering, name: "WEAK_ORDERING" },
  { bit: ATTR.writeCombine, name: "WRITE_COMBINE" },
  { bit: ATTR.noKernelMapping, name: "NO_KERNEL_MAPPING" },
  { bit: ATTR.skipCpuSync, name: "SKIP_CPU_SYNC" },
  { bit: ATTR.forceContiguous, name: "FORCE_CONTIGUOUS" },
  { bit: ATTR.allocSinglePages, name: "ALLOC_SINGLE_PAGES" },
  { bit: ATTR.noWarn, name: "NO_WARN" },
  { bit: ATTR.privileged, name: "PRIVILEGED" },
  { bit: ATTR.mmio, name: "MMIO" },
  { bit: DEBUGGING_IGNORE_CACHELINES, name: "DEBUGGING_IGNORE_CACHELINES" },
  { bit: ATTR.requireCoherent, name: "REQUIRE_COHERENT" },
  { bit: CC_SHARED, name: "CC_SHARED" },
]);

/** `SKIP_CPU_SYNC|MMIO`; empty for none, unknown bits as hexadecimal at the end (__print_flags). */
export function attrText(attrs: number): string {
  const known = ATTR_NAMES.filter(({ bit }) => (attrs & bit) !== 0);
  const rest = known.reduce((left, { bit }) => left & ~bit, attrs);
  const names = known.map(({ name }) => name);
  return (rest === 0 ? names : [...names, `0x${(rest >>> 0).toString(16)}`]).join("|");
}

/** Bit of a name with or without `DMA_ATTR_`, in any case; undefined when there is no such attribute. */
export function attrBit(name: string): number | undefined {
  const wanted = name
    .trim()
    .toUpperCase()
    .replace(/^DMA_ATTR_/, "");
  return ATTR_NAMES.find((each) => each.name === wanted)?.bit;
}
