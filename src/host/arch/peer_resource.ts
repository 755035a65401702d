/**
 * Which ops tables of kernel 4.1 can map a peer's resource.
 *
 * Mainline has none: struct dma_map_ops of 4.1 has neither map_resource (4.9) nor map_peer_resource. The series "IOMMU/DMA
 * map_resource support for peer-to-peer" (2015) proposed the operation and gave it to the three x86 tables below.
 */
import type { ArchRow } from "./types.ts";

/** Rows that the series of 2015 gave the operation, and the address that each makes. */
const WITH_SERIES: ReadonlyMap<string, string> = new Map([
  ["x86-nommu", "PCI bus address of the BAR"],
  ["intel-iommu", "IOVA mapped to the BAR"],
  ["amd-iommu", "IOVA mapped to the BAR"],
]);

/** What a row says to map_peer_resource. */
export interface PeerResourceOp {
  readonly row: string;
  /** Rule of the address; null = refused. */
  readonly addressRule: string | null;
  /** Why it refuses; empty when it does not. */
  readonly reason: string;
}

/** The row's operation in mainline 4.1, or with the series applied. */
export function peerResourceOp(row: ArchRow, withSeries: boolean): PeerResourceOp {
  const addressRule = withSeries ? (WITH_SERIES.get(row.name) ?? null) : null;
  if (addressRule !== null) return { row: row.name, addressRule, reason: "" };
  const which = withSeries
    ? "the series gave it to x86-nommu, intel-iommu and amd-iommu only"
    : "no table of 4.1 has it";
  return { row: row.name, addressRule: null, reason: `ops table has no map_peer_resource: ${which}` };
}
