/**
 * The data link layer of one direction: TLPs with sequence numbers, a replay buffer, ACK and NAK (PCI Express Base
 * Specification 6.0, section 3.6).
 *
 * ```
 * transmitter: oldest unacknowledged ─► wire ─► receiver: damaged? discard, NAK · expected? deliver · behind? duplicate, discard
 *      ▲ replays everything unacknowledged ◄─ ACK up to the last good one (or the ACK is damaged itself)
 * ```
 * Whatever the wire does, every TLP is delivered once and in order; what is lost is time on the wire.
 */

/** Takes TLP `index` of a transfer; called once for each, in order. */
export interface TlpReceiver {
  receive(index: number): void;
}

/** What the wire does to the next TLP, and to the next ACK or NAK. */
export interface WireErrors {
  damagesTlp(): boolean;
  losesAck(): boolean;
}

/** A wire without errors. */
export const QUIET_WIRE: WireErrors = Object.freeze({ damagesTlp: () => false, losesAck: () => false });

/** Sequence numbers have 12 bits; fewer than half of them may be unacknowledged. */
const SEQ_MASK = 0xfff;
const WINDOW_TLPS = 32;
/** Replays without progress after which REPLAY_NUM rolls over and the link retrains. */
const REPLAYS_MAX = 4;

/** Transmitter and receiver of one direction; {@link transfer} allocates nothing. */
export class ReplayLink {
  /** TLPs on the wire, replays included; copies discarded because damaged or seen before; retrains. */
  sent = 0;
  damaged = 0;
  duplicates = 0;
  rollovers = 0;
  readonly #wire: WireErrors;
  /** Number of the oldest unacknowledged TLP, and of the next one that the receiver accepts. */
  #oldest = 0;
  #expected = 0;

  constructor(wire: WireErrors) {
    this.#wire = wire;
  }

  /** Sends TLPs 0 .. count - 1 until all are acknowledged. */
  transfer(count: number, receiver: TlpReceiver): void {
    let acked = 0;
    let stalled = 0;
    while (acked < count) {
      const last = Math.min(count, acked + WINDOW_TLPS);
      for (let i = acked; i < last; i += 1) this.#send(i, (this.#oldest + i - acked) & SEQ_MASK, receiver);
      const good = (this.#expected - this.#oldest) & SEQ_MASK;
      if (good > 0 && !this.#wire.losesAck()) {
        acked += good;
        this.#oldest = this.#expected;
        stalled = 0;
      } else stalled += 1;
      if (stalled < REPLAYS_MAX) continue;
      this.rollovers += 1;
      stalled = 0;
    }
  }

  #send(index: number, sequence: number, receiver: TlpReceiver): void {
    this.sent += 1;
    if (this.#wire.damagesTlp()) {
      this.damaged += 1;
      return;
    }
    if (sequence === this.#expected) {
      this.#expected = (this.#expected + 1) & SEQ_MASK;
      receiver.receive(index);
    } else if (((this.#expected - sequence) & SEQ_MASK) <= SEQ_MASK >>> 1) this.duplicates += 1;
  }
}
