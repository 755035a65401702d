/** After a power cut: puts back what was not persistent, and looks whether every acknowledged byte is there. */
import { hex, type Phys } from "../../base/addr.ts";
import { copyPhys } from "../../memory/copy.ts";
import { checkPattern } from "../../memory/pattern.ts";
import type { Arena } from "../../shm/arena.ts";
import type { CloneIo } from "../io_path.ts";
import { type BufferPlan, entryCount, entryPhys, firstEntryBytes } from "../load/buffers.ts";
import type { PowerCutResult } from "../result.ts";
import type { PersistLedger } from "./ledger.ts";

const LOST_SHOWN = 8;

/** An I/O whose data the application was told of, and where they lie. */
interface Acknowledged {
  readonly io: CloneIo;
  readonly number: number;
  readonly place: number;
  readonly bytes: number;
  readonly unit: number;
  readonly version: number;
  readonly ackNs: number;
}

/** Acknowledged reads into persistent memory that no later I/O has overwritten. */
export class PowerCut {
  readonly ledger: PersistLedger;
  readonly atNs: number;
  readonly #isPmem: (phys: Phys) => boolean;
  readonly #acknowledged = new Map<string, Acknowledged>();
  #inFlight = 0;

  constructor(ledger: PersistLedger, atNs: number, isPmem: (phys: Phys) => boolean) {
    this.ledger = ledger;
    this.atNs = atNs;
    this.#isPmem = isPmem;
  }

  /** A command takes its buffer: what lay there is given up. */
  taken(io: CloneIo, tag: number): void {
    this.#inFlight += 1;
    this.#acknowledged.delete(placeKey(io, tag));
  }

  /** The I/O of a command ends at `ackNs`, with data from `unit` on in `version`. */
  acknowledged(io: CloneIo, tag: number, version: number, ok: boolean, ackNs: number): void {
    if (ackNs > this.atNs) return;
    this.#inFlight -= 1;
    const plan = io.spec.buffers;
    if (!ok || io.write[tag] === 1 || plan === null || !this.#isPmem(plan.base)) return;
    const place = io.ring === null ? tag : io.ring.placeOf(tag);
    const [number, bytes, unit] = [io.io[tag] as number, io.bytes[tag] as number, io.unit[tag] as number];
    this.#acknowledged.set(placeKey(io, tag), { io, number, place, bytes, unit, version, ackNs });
  }

  /** Every copy of the run is done: undoes what is lost, and checks. Changes memory; call once. */
  verify(arena: Arena): PowerCutResult {
    const lost = this.ledger.lostAt(this.atNs);
    for (const { phys, undo, bytes } of lost) copyPhys(arena, phys, undo, bytes);
    const bad = [...this.#acknowledged.values()].flatMap((each) => {
      const offset = firstDifference(arena, each);
      return offset < 0 ? [] : [{ each, offset }];
    });
    const { ddio, eadr } = this.ledger.domain;
    return {
      at_ns: this.atNs,
      ddio,
      eadr,
      rolled_back_bytes: lost.reduce((sum, { bytes }) => sum + bytes, 0),
      acknowledged_ios: this.#acknowledged.size,
      lost_ios: bad.length,
      in_flight_ios: this.#inFlight,
      first_lost: bad.slice(0, LOST_SHOWN).map(({ each, offset }) => ({
        job: each.io.spec.job.name,
        io: each.number,
        acknowledged_ns: each.ackNs,
        offset,
        phys: hex(physOf(each.io.spec.buffers as BufferPlan, each.place, offset)),
      })),
    };
  }
}

function placeKey(io: CloneIo, tag: number): string {
  return `${io.spec.index}:${io.ring === null ? tag : io.ring.placeOf(tag)}`;
}

function firstDifference(arena: Arena, { io, place, bytes, unit, version }: Acknowledged): number {
  const plan = io.spec.buffers as BufferPlan;
  let done = 0;
  for (let entry = 0; entry < entryCount(plan, bytes); entry += 1) {
    const length = Math.min(bytes - done, entry === 0 ? firstEntryBytes(plan) : plan.entryBytes);
    const at = entryPhys(plan, place, entry);
    const bad = checkPattern(arena, at, length, io.keyLo, io.keyHi, unit, version, done);
    if (bad >= 0) return done + bad;
    done += length;
  }
  return -1;
}

function physOf(plan: BufferPlan, place: number, offset: number): Phys {
  const first = firstEntryBytes(plan);
  if (offset < first) return entryPhys(plan, place, 0) + offset;
  const entry = 1 + Math.floor((offset - first) / plan.entryBytes);
  return entryPhys(plan, place, entry) + (offset - first) - (entry - 1) * plan.entryBytes;
}
