/**
 * Goodput of a receiver: the least of what its line, its cores and the translation of its pages let through.
 *
 * Translation: "Fast & Safe IO Memory Protection" (SOSP 2024), T = p / (l0 + M lm): a page takes a fixed part and one part for
 * each table entry that the unit reads for it; writes of a device are in order, so walks of one page delay the next.
 */

const NS_PER_S = 1e9;
/** TCP/IPv4 headers with time stamps; Ethernet header, check sequence, preamble and gap. */
const HEADER_BYTES = 52;
const FRAME_BYTES = 38;
const PAGE_BYTES = 4096;

/** Goodput in a packet of `mtuBytes`. */
export function payloadBytes(mtuBytes: number): number {
  return Math.max(1, mtuBytes - HEADER_BYTES);
}

/** Goodput of a line of `bytesPerS`. */
export function lineGoodput(bytesPerS: number, mtuBytes: number): number {
  return (bytesPerS * payloadBytes(mtuBytes)) / (mtuBytes + FRAME_BYTES);
}

/** Goodput that `cores` handle: each byte is copied, each merged buffer passes through the stack. */
export function coreGoodput(cores: number, pageNs: number, bufferNs: number, bufferBytes: number): number {
  return (cores * NS_PER_S) / (pageNs / PAGE_BYTES + bufferNs / bufferBytes);
}

/** Goodput through a unit that reads `reads` table entries for each 4 KiB of payload. */
export function translatedGoodput(fixedNs: number, readNs: number, reads: number): number {
  return (PAGE_BYTES * NS_PER_S) / (fixedNs + reads * readNs);
}
