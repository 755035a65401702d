/**
 * PCIe link arithmetic: what a link carries after encoding, DLLPs and TLP headers.
 *
 * Sources: PCI Express Base Specification (rates, encodings, TLP sizes); DLLP share from
 * "Understanding PCIe performance for end host networking" (SIGCOMM 2018) measurements, 3-8 %.
 */

/** Gigabits a second and lane after encoding: 8b/10b for generations 1-2, 128b/130b for 3-5, FLIT for 6. */
const LANE_GBITS: readonly number[] = [0, 2, 4, 7.877, 15.754, 31.508, 60.5];
/** Share of the link spent on ACK and flow-control DLLPs (FLIT mode carries them in the FLIT). */
const DLLP_SHARE = 0.055;
/** Framing, sequence number, LCRC (8 B) and the header of a 64-bit memory request or a completion. */
export const MWR_HEADER_BYTES = 24;
/** Memory read request, bytes on the wire: it carries no data. */
export const MRD_HEADER_BYTES = 24;
/** Completion with data, bytes on the wire besides the data: its header is one DW shorter. */
export const CPLD_HEADER_BYTES = 20;

/** What throughput arithmetic needs of a trained link: Max_Payload_Size and Max_Read_Request_Size in bytes. */
export interface LinkShape {
  readonly gen: number;
  readonly lanes: number;
  readonly mpsBytes: number;
  readonly mrrsBytes: number;
}

/** Bytes a second and direction that TLPs can use. */
export function tlpBytesPerS(link: LinkShape): number {
  const raw = ((LANE_GBITS[link.gen] ?? 0) * link.lanes * 1e9) / 8;
  return link.gen >= 6 ? raw : raw * (1 - DLLP_SHARE);
}

/** Wire bytes of a device write of `bytes` whose TLPs are cut at MPS. */
export function writeWireBytes(bytes: number, link: LinkShape): number {
  return bytes + MWR_HEADER_BYTES * Math.ceil(bytes / link.mpsBytes);
}

/** Wire bytes of the completions of a device read of `bytes`. */
export function readWireBytes(bytes: number, link: LinkShape): number {
  return bytes + CPLD_HEADER_BYTES * Math.ceil(bytes / link.mpsBytes);
}

/** Wire bytes of the requests of a device read of `bytes`, in the other direction. */
export function requestWireBytes(bytes: number, link: LinkShape): number {
  return MRD_HEADER_BYTES * Math.ceil(bytes / link.mrrsBytes);
}
