/**
 * PCIe link arithmetic: what a link carries after encoding, DLLPs and TLP headers.
 *
 * Sources: PCI Express Base Specification 6.0 (rates, encodings, FLIT layout, TLP sizes); the byte counts of a transfer are
 * those of "Understanding PCIe performance for end host networking" (SIGCOMM 2018) and its published model. How often
 * DLLPs are sent is in `dllp.ts`.
 */
import { dllpGuideShare } from "./dllp.ts";

/** Gigatransfers a second and lane, by generation. */
const LANE_GTS: readonly number[] = [0, 2.5, 5, 8, 16, 32, 64, 128];
/** First generation whose links send FLITs. */
const FLIT_GEN = 6;
/** A FLIT's bytes: all of them, those left after CRC (8) and FEC (6), and those for TLPs (6 more are DLP bytes). */
const FLIT_BYTES = 256;
const FLIT_CODED_BYTES = 242;
const FLIT_TLP_BYTES = 236;
/**
 * Share of a real link spent on ACK and flow-control DLLPs: 3-8 %, below the specification's guide values
 * (512 B transfers at Gen 3 x8 leave 59.4 of 63 Gbit/s to TLPs: SIGCOMM 2018 data).
 */
const MEASURED_DLLP_SHARE = 0.055;
/** Start symbol, sequence number and LCRC of a TLP; FLITs have none. */
const FRAMING_BYTES = 8;
/** Header of a memory request with a 64-bit address (4 DW), of one with 32 bits and of a completion (3 DW). */
const HEADER_4DW_BYTES = 16;
const HEADER_3DW_BYTES = 12;
const ECRC_BYTES = 4;
const RCB_BYTES = 64;

/** What throughput arithmetic needs of a trained link: Max_Payload_Size and Max_Read_Request_Size in bytes. */
export interface LinkShape {
  readonly gen: number;
  readonly lanes: number;
  readonly mpsBytes: number;
  readonly mrrsBytes: number;
  /** Width of addresses in requests; above 32 the header is one DW longer. Absent: 64. */
  readonly addrBits?: number;
  /** End-to-end CRC on every TLP. Absent: false. */
  readonly ecrc?: boolean;
  /** What the completer cuts completions at. Absent: `mps`. */
  readonly completionChunk?: "mps" | "rcb";
  /** Read completion boundary. Absent: 64. */
  readonly rcbBytes?: number;
}

/** Bytes a second and direction after line coding (8b/10b, 128b/130b; for FLITs after CRC and FEC); 0 for no such generation. */
export function rawBytesPerS(gen: number, lanes: number): number {
  return ((LANE_GTS[gen] ?? 0) * lanes * codingShare(gen) * 1e9) / 8;
}

function codingShare(gen: number): number {
  if (gen <= 2) return 8 / 10;
  return gen < FLIT_GEN ? 128 / 130 : FLIT_CODED_BYTES / FLIT_BYTES;
}

/** Bytes a second and direction that TLPs can use, when `dllpShare` of the link goes to DLLPs. FLITs have room of their own for them. */
export function tlpBytesPerS(link: LinkShape, dllpShare: number = MEASURED_DLLP_SHARE): number {
  const raw = rawBytesPerS(link.gen, link.lanes);
  return link.gen >= FLIT_GEN ? (raw * FLIT_TLP_BYTES) / FLIT_CODED_BYTES : raw * (1 - dllpShare);
}

/** The same when DLLPs are sent as often as the specification's guide values say. */
export function tlpGuideBytesPerS(link: LinkShape): number {
  return tlpBytesPerS(link, dllpGuideShare(link.gen, link.lanes, link.mpsBytes));
}

/** Wire bytes of a memory request besides its data: framing, header, ECRC. */
export function requestOverheadBytes(link: LinkShape): number {
  return framingBytes(link) + ((link.addrBits ?? 64) > 32 ? HEADER_4DW_BYTES : HEADER_3DW_BYTES);
}

/** Wire bytes of a completion with data, besides the data. */
export function completionOverheadBytes(link: LinkShape): number {
  return framingBytes(link) + HEADER_3DW_BYTES;
}

function framingBytes(link: LinkShape): number {
  return (link.gen >= FLIT_GEN ? 0 : FRAMING_BYTES) + (link.ecrc === true ? ECRC_BYTES : 0);
}

/** Wire bytes of a device write of `bytes` whose TLPs are cut at MPS. */
export function writeWireBytes(bytes: number, link: LinkShape): number {
  return bytes + requestOverheadBytes(link) * Math.ceil(bytes / link.mpsBytes);
}

/** Wire bytes of the completions of a device read of `bytes`. */
export function readWireBytes(bytes: number, link: LinkShape): number {
  const chunk = link.completionChunk === "rcb" ? (link.rcbBytes ?? RCB_BYTES) : link.mpsBytes;
  return bytes + completionOverheadBytes(link) * Math.ceil(bytes / chunk);
}

/** Wire bytes of the requests of a device read of `bytes`, in the other direction. */
export function requestWireBytes(bytes: number, link: LinkShape): number {
  return requestOverheadBytes(link) * Math.ceil(bytes / link.mrrsBytes);
}

/** What a device does to memory over its link, back to back; `both` reads and writes alike. */
export type TransferKind = "read" | "write" | "both";

/**
 * Payload bytes a second of back-to-back transfers of `bytes` when each direction carries `tlpRate` bytes of TLPs: the fuller
 * direction decides. Of `both` it is the rate of one direction of payload.
 */
export function payloadBytesPerS(kind: TransferKind, bytes: number, link: LinkShape, tlpRate: number): number {
  const written = kind === "read" ? 0 : writeWireBytes(bytes, link);
  const requested = kind === "write" ? 0 : requestWireBytes(bytes, link);
  const completed = kind === "write" ? 0 : readWireBytes(bytes, link);
  return (tlpRate * bytes) / Math.max(written + requested, completed);
}
