/**
 * How much of a link ACK and flow-control DLLPs take when they are sent as often as the specification advises.
 *
 * The specification gives guide values for the time between ACKs (tables "Ack Transmission Latency Limit") and between
 * UpdateFCs, in symbol times by generation, width and MPS. Both come from one formula of its text:
 * `(MPS + TLP overhead) x factor / width + internal delay`, rounded down.
 */

/** Bytes of a TLP besides its payload that the guide values assume. */
const TLP_OVERHEAD_BYTES = 28;
/** Internal delay in symbol times: generation 1, 2, and 3 and later. */
const DELAY_SYMBOLS: readonly number[] = [0, 19, 70, 115];
/** DLLP with its framing and CRC. */
const DLLP_BYTES = 8;
/** Skip ordered sets for clock compensation: symbols of one, and symbols between two. */
const SKIP_SYMBOLS = 4;
const SKIP_INTERVAL_SYMBOLS = 1538;
/** AckFactor by MPS up to 256 and above it; each entry holds from that width on. */
const ACK_FACTORS: readonly { readonly lanes: number; readonly small: number; readonly large: number }[] = [
  { lanes: 12, small: 3, large: 2 },
  { lanes: 8, small: 2.5, large: 1 },
  { lanes: 1, small: 1.4, large: 1 },
];
const SMALL_MPS_BYTES = 256;

/** Symbol times (bytes of one lane x width) between two ACKs, and between two UpdateFCs. */
export function guideIntervalSymbols(gen: number, lanes: number, mpsBytes: number): number {
  const factors = ACK_FACTORS.find((each) => lanes >= each.lanes);
  const factor = (mpsBytes <= SMALL_MPS_BYTES ? factors?.small : factors?.large) ?? 1;
  const delay = DELAY_SYMBOLS[Math.min(gen, DELAY_SYMBOLS.length - 1)] ?? 0;
  return Math.floor(((mpsBytes + TLP_OVERHEAD_BYTES) * factor) / lanes) + delay;
}

/** Share of a non-FLIT link that ACKs, UpdateFCs and skip ordered sets take. */
export function dllpGuideShare(gen: number, lanes: number, mpsBytes: number): number {
  return (2 * DLLP_BYTES) / guideIntervalSymbols(gen, lanes, mpsBytes) + SKIP_SYMBOLS / SKIP_INTERVAL_SYMBOLS;
}
