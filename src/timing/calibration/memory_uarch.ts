/**
 * CPU families as far as memory is concerned: line fill buffers, DRAM read latency, DRAM that their servers have.
 *
 * `lines` = outstanding L1 misses of a core; latencies are idle, local, ns; channels and MT/s apply to one socket where a
 * description leaves them out.
 */
import { assumed, type Constant, type ConstantTable, literature } from "./constant.ts";

interface Family {
  readonly lines: number;
  readonly sequentialNs: number;
  readonly randomNs: number;
  readonly channels: number;
  readonly mts: number;
}

const CLX = "Yang et al., FAST 2020 (latency); Vuppalapati et al., SIGCOMM 2024 (12 line fill buffers)";
const INTEL = "Intel optimisation manual (fill buffers), product pages (channels)";
const AMD = "AMD software optimisation guide (miss address buffers), product pages (channels)";
const ARM = "order of the core's outstanding misses; channels of the usual product";

/** One row of a family in the order of {@link Family}. */
function family(lines: number, sequentialNs: number, randomNs: number, channels: number, mts: number): Family {
  return { lines, sequentialNs, randomNs, channels, mts };
}

const FAMILIES: readonly (readonly [name: string, source: string, parts: Family])[] = [
  ["ivy-bridge-ep", INTEL, family(10, 75, 92, 4, 1866)],
  ["haswell-ep", INTEL, family(10, 78, 95, 4, 2133)],
  ["haswell-client", INTEL, family(10, 62, 75, 2, 1600)],
  ["broadwell-ep", INTEL, family(10, 78, 95, 4, 2400)],
  ["skylake-sp", INTEL, family(12, 80, 100, 6, 2666)],
  ["cascade-lake", CLX, family(12, 81.4, 101.5, 6, 2933)],
  ["comet-lake", INTEL, family(10, 62, 78, 2, 2666)],
  ["ice-lake-sp", INTEL, family(12, 84, 106, 8, 3200)],
  ["sapphire-rapids", INTEL, family(16, 105, 128, 8, 4800)],
  ["zen2", AMD, family(22, 95, 115, 8, 3200)],
  ["zen3", AMD, family(24, 90, 110, 8, 3200)],
  ["zen4", AMD, family(24, 100, 122, 12, 4800)],
  ["zen5", AMD, family(24, 75, 92, 2, 5600)],
  ["neoverse-n1", ARM, family(20, 90, 112, 8, 3200)],
  ["neoverse-v1", ARM, family(32, 95, 118, 8, 4800)],
  ["neoverse-v2", ARM, family(48, 100, 125, 16, 8532)],
  ["kunpeng", ARM, family(20, 95, 120, 8, 2933)],
  ["cortex-a55", ARM, family(6, 130, 160, 2, 3200)],
  ["cortex-a7", ARM, family(3, 140, 170, 1, 1600)],
];

/** Relative that stands in for a family or architecture that is not in the table. */
export const GENERAL_UARCH = "cascade-lake";

const NOT_MEASURED = "usual idle latency of such servers or SoCs; no row of the measurements has it";

/** Counts are the vendors'; latencies only where the source of the family measured them. */
function entries(): Record<string, Constant> {
  const table: Record<string, Constant> = {};
  for (const [name, source, parts] of FAMILIES) {
    const latency = (ns: number) => (source === CLX ? literature(ns, "ns", source) : assumed(ns, "ns", NOT_MEASURED));
    table[`${name}.core.lines`] =
      source === ARM ? assumed(parts.lines, "lines", source) : literature(parts.lines, "lines", source);
    table[`${name}.dram.read_sequential_ns`] = latency(parts.sequentialNs);
    table[`${name}.dram.read_random_ns`] = latency(parts.randomNs);
    table[`${name}.dram.channels`] = literature(parts.channels, "channels", source);
    table[`${name}.dram.mts`] = literature(parts.mts, "MT/s", source);
  }
  return table;
}

/** Entries of all families, `family.part.quantity`. */
export const MEMORY_UARCH_CONSTANTS: ConstantTable = entries();
