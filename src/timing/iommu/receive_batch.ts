/**
 * Packets that a receiving core handles in one go, by how many flows share its ring.
 *
 * Windows of flows that share a bottleneck add up to what the path holds (line rate x round trip), so one of F flows sends W/F
 * in a burst, clocked by ACKs. Bursts of the flows of one ring come interleaved; receive offload merges those packets of
 * a poll that belong to one flow into one buffer of at most 64 KiB. A merged buffer is released, and acknowledged, as one.
 */

/** Bytes of a merged buffer (GRO_LEGACY_MAX_SIZE). */
const MERGED_BYTES_MAX = 65536;

/** What arrives. */
export interface ReceiveLoad {
  readonly flows: number;
  readonly cores: number;
  readonly mtuBytes: number;
  /** Bytes in flight on the path of all flows together. */
  readonly windowBytes: number;
}

/** Packets of one merged buffer on average, at least 1. */
export function mergedPackets({ flows, cores, mtuBytes, windowBytes }: ReceiveLoad): number {
  const perPoll = Math.max(1, windowBytes / flows / mtuBytes);
  const perRing = Math.max(1, flows / Math.min(cores, flows));
  const sizeMax = Math.max(1, MERGED_BYTES_MAX / mtuBytes);
  return Math.max(1, Math.min(sizeMax, perPoll / distinct(perRing, perPoll)));
}

/**
 * ACKs that each packet causes when merged buffers have `merged` packets on average (geometric): a buffer of several
 * packets is acknowledged at once, of single ones every second (RFC 9293, 3.8.6.3: at least every second full segment).
 */
export function acksPerPacket(merged: number): number {
  return (1 - 0.5 / merged) / merged;
}

/** Different ones among `draws` of `kinds` equally likely kinds, on average. */
function distinct(kinds: number, draws: number): number {
  return kinds * (1 - (1 - 1 / kinds) ** draws);
}
