/**
 * What of the device writes to persistent memory is in the persistence domain, at any virtual instant.
 *
 * ```
 * device ─► port ─ DDIO off ─► memory controller's queue                         persistent on arrival (ADR)
 *                └ DDIO on ──► last-level cache ─ eADR ──────────────────────────► persistent on arrival
 *                                               ├ clwb + sfence by the driver ───► persistent at the fence
 *                                               └ evicted by later device writes ► persistent at eviction
 * ```
 * Before a piece is written its old bytes are copied to an undo window, in dispatch order; a power cut copies back what was
 * not persistent. Sources: Intel SDM (CLWB, SFENCE), SNIA NVM programming model, libpmem on DDIO with remote writes; the
 * cache's device ways are those of the fabric model (memory.ddioShare).
 */
import { alignDownWide, alignUpWide, type Phys } from "../../base/addr.ts";
import { assert } from "../../base/assert.ts";
import { commitRange } from "../../memory/backing.ts";
import type { PhysMap } from "../../memory/physmap.ts";
import type { Arena } from "../../shm/arena.ts";
import type { PersistenceDescription } from "../machine/description.ts";
import type { CheckedTransfer } from "../mismatch.ts";
import type { Payload } from "../payload.ts";

/** Persistence travels by lines. */
export const LINE_BYTES = 64;
/** Above the device buffers, below 2^52. */
const UNDO_BASE = 2 ** 51 + 2 ** 50 + 2 ** 49;
/** Room for what is in flight beside what the cache holds. */
const IN_FLIGHT_BYTES = 2 ** 26;
const PRUNE_EVERY = 4096;

/** One piece of a device write; `commits` are pairs of end offset and arrival time, rising. */
interface Entry {
  readonly phys: Phys;
  readonly bytes: number;
  readonly undo: Phys;
  /** Bytes of undo copies before this one. */
  readonly undoAt: number;
  readonly lane: number;
  readonly tag: number;
  /** Bytes written by devices before this piece. */
  readonly position: number;
  readonly commits: number[];
  issued: number;
  flushedNs: number;
}

/** Lines that a power cut loses; the undo copy of `phys` is at `undo`. */
export interface LostRange {
  readonly phys: Phys;
  readonly undo: Phys;
  readonly bytes: number;
}

/** Device writes of one run, in dispatch order. Only a run that ends in a power cut has one. */
export class PersistLedger {
  readonly domain: PersistenceDescription;
  readonly #map: PhysMap;
  readonly #ddioBytes: number;
  readonly #commitNs: number;
  readonly #undoBytes: number;
  readonly #payload: Payload;
  readonly #entries: Entry[] = [];
  /** Last piece of every lane's tag. */
  readonly #current = new Map<number, Entry>();
  #written = 0;
  #undoNext = 0;

  /** `ddioBytes`: cache that device writes may fill; `commitNs`: from the end of a write on the link to its arrival. */
  constructor(
    arena: Arena,
    map: PhysMap,
    domain: PersistenceDescription,
    ddioBytes: number,
    commitNs: number,
    payload: Payload,
  ) {
    this.domain = domain;
    this.#map = map;
    this.#ddioBytes = alignDownWide(ddioBytes, LINE_BYTES);
    this.#commitNs = commitNs;
    this.#undoBytes = alignUpWide(this.#ddioBytes + IN_FLIGHT_BYTES, 65536);
    this.#payload = payload;
    commitRange(arena, UNDO_BASE, this.#undoBytes);
  }

  /** A piece of a device write is about to be dispatched; saves what it overwrites. Other memory than PMEM is not followed. */
  write(lane: number, tag: number, what: CheckedTransfer, phys: Phys, bytes: number): void {
    this.#current.delete(keyOf(lane, tag));
    if (this.#map.regionAt(phys)?.kind !== "pmem") return;
    const undoAt = this.#undoSpace(bytes);
    const undo = UNDO_BASE + (undoAt - Math.floor(undoAt / this.#undoBytes) * this.#undoBytes);
    this.#payload.copy(what, undo, phys, bytes);
    const entry = {
      phys,
      bytes,
      undo,
      undoAt,
      lane,
      tag,
      position: this.#written,
      commits: [],
      issued: 0,
      flushedNs: Number.POSITIVE_INFINITY,
    };
    this.#written += bytes;
    this.#entries.push(entry);
    this.#current.set(keyOf(lane, tag), entry);
    if (this.#entries.length >= PRUNE_EVERY && this.#entries.length % PRUNE_EVERY === 0) this.#prune();
  }

  /** `bytes` more of the current piece leave the link at `endNs`. */
  issued(lane: number, tag: number, bytes: number, endNs: number): void {
    const entry = this.#current.get(keyOf(lane, tag));
    if (entry === undefined) return;
    entry.issued += bytes;
    entry.commits.push(entry.issued, endNs + this.#commitNs);
  }

  /** The driver has written the lines of a command back; its fence ends at `fencedNs`. */
  flushed(lane: number, tag: number, fencedNs: number): void {
    for (let at = this.#entries.length - 1; at >= 0; at -= 1) {
      const entry = this.#entries[at] as Entry;
      if (entry.lane === lane && entry.tag === tag && entry.flushedNs === Number.POSITIVE_INFINITY)
        entry.flushedNs = fencedNs;
      else if (entry.lane === lane && entry.tag === tag) return;
    }
  }

  /** Lines of all writes that are not persistent at `atNs`, the newest write first; a line that a later write made persistent stays. */
  lostAt(atNs: number): LostRange[] {
    const lost: LostRange[] = [];
    const kept = new Set<number>();
    for (let at = this.#entries.length - 1; at >= 0; at -= 1) {
      const entry = this.#entries[at] as Entry;
      this.#lostOf(entry, this.#persistentBytes(entry, atNs), kept, lost);
    }
    return lost;
  }

  #lostOf(entry: Entry, persistent: number, kept: Set<number>, lost: LostRange[]): void {
    const { phys, undo, bytes } = entry;
    let done = 0;
    while (done < bytes) {
      const line = alignDownWide(phys + done, LINE_BYTES);
      const length = Math.min(bytes - done, line + LINE_BYTES - (phys + done));
      if (done + length <= persistent) kept.add(line);
      else if (!kept.has(line)) {
        assert(this.#undoNext - entry.undoAt <= this.#undoBytes, "what can be lost has its undo copy");
        lost.push({ phys: phys + done, undo: undo + done, bytes: length });
      }
      done += length;
    }
  }

  /** Bytes from the start of the piece that are in the persistence domain. */
  #persistentBytes(entry: Entry, atNs: number): number {
    const { ddio, eadr } = this.domain;
    if (!ddio || eadr) return arrived(entry, atNs);
    if (entry.flushedNs <= atNs) return entry.bytes;
    // Device ways are filled in turn: a line goes when they have been filled once more.
    const evicted = this.#written - this.#ddioBytes - entry.position;
    return Math.min(arrived(entry, atNs), Math.max(0, alignDownWide(Math.max(0, evicted), LINE_BYTES)));
  }

  /** Place for an undo copy that does not wrap, counted from the start of the run. */
  #undoSpace(bytes: number): number {
    const room = this.#undoBytes;
    const into = this.#undoNext - Math.floor(this.#undoNext / room) * room;
    if (into + bytes > room) this.#undoNext += room - into;
    const at = this.#undoNext;
    this.#undoNext += bytes;
    return at;
  }

  /** Forgets the oldest writes that the undo window no longer holds: they have long been evicted. */
  #prune(): void {
    const horizon = this.#written - this.#undoBytes / 2;
    const first = this.#entries.findIndex(({ position }) => position >= horizon);
    if (first > 0) this.#entries.splice(0, first);
  }
}

function arrived({ commits, bytes }: Entry, atNs: number): number {
  let done = 0;
  for (let at = 0; at < commits.length; at += 2) {
    if ((commits[at + 1] as number) > atNs) break;
    done = commits[at] as number;
  }
  return Math.min(done, bytes);
}

function keyOf(lane: number, tag: number): number {
  return lane * 65536 + tag;
}
