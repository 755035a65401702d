/**
 * Whether a medium took what a job wrote before, by the version stamps of what a verify pass reads.
 *
 * A read that delivers an older version than its write had is as right, byte for byte, as that older write was: only the
 * stamp tells that the newer one never arrived.
 */
import { mediaRead } from "../memory/media.ts";
import { MediaRuns } from "../memory/media_runs.ts";
import { UNIT_BYTES, VERSION_FOLLOW } from "../memory/pattern.ts";
import type { Arena } from "../shm/arena.ts";
import type { BufferPayload } from "./buffer_payload.ts";
import { isOlderVersion, VERSION_ANY } from "./load/versions.ts";
import type { CheckedTransfer } from "./mismatch.ts";

/** Looks for stale sectors in the reads of one clone. */
export class LostWrites {
  readonly #arena: Arena;
  readonly #owner: number;
  readonly #device: number;
  readonly #sectorsMax: number;
  /** Made by the first read that delivers several versions. */
  #runs: MediaRuns | null = null;

  /** `owner` is the thread's lock owner id; a read has at most `bytesMax` bytes. */
  constructor(arena: Arena, owner: number, device: number, bytesMax: number) {
    this.#arena = arena;
    this.#owner = owner;
    this.#device = device;
    this.#sectorsMax = Math.ceil(bytesMax / UNIT_BYTES);
  }

  /**
   * Reports the read `what` of the list at `sg` as lost where it holds less than `expected`, 0 = anything is right. `delivered` and
   * `bytes` are as for {@link firstStale}.
   */
  check(
    what: CheckedTransfer,
    buffers: BufferPayload,
    sg: number,
    expected: number,
    delivered: number,
    bytes: number,
  ): void {
    if (expected === 0) return;
    const stale = this.firstStale(delivered, expected, what.unit, bytes);
    if (stale < 0) return;
    const isKnown = expected !== VERSION_ANY;
    what.version = isKnown ? expected : 0;
    buffers.lost(what, sg, stale, isKnown);
  }

  /**
   * Offset of the first byte whose version is older than `expected`, -1 when none is. `delivered` is what the device
   * reported for the read of `bytes` bytes at sector `unit`.
   */
  firstStale(delivered: number, expected: number, unit: number, bytes: number): number {
    if (delivered !== VERSION_FOLLOW) return isOlderVersion(delivered, expected) ? 0 : -1;
    this.#runs ??= new MediaRuns(this.#sectorsMax);
    const runs = this.#runs;
    mediaRead(this.#arena, this.#owner, this.#device, unit, Math.ceil(bytes / UNIT_BYTES), runs);
    for (let i = 0; i < runs.length; i += 1) {
      if (isOlderVersion(runs.version[i] as number, expected)) return (runs.offset[i] as number) * UNIT_BYTES;
    }
    return -1;
  }
}
