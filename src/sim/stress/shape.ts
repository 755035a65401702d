/**
 * Draws operations: device and path, list shapes, sizes, directions, attributes, sync patterns.
 *
 * Sizes: half of all transfers are at most 4 KiB, one in fifty is above 64 KiB, a few reach 64 MiB; the mean lies well above
 * 8 KiB. Offsets and lengths are odd as often as not.
 */
import { alignUp } from "../../base/addr.ts";
import { PATH } from "../../base/cost.ts";
import { Prng } from "../../base/prng.ts";
import { ATTR, DIR, type DmaDevice } from "../../host/dma/device.ts";
import { granuleBytes } from "../../host/dma/limits.ts";
import type { Area, Target } from "./areas.ts";
import { FAULTS, type FaultName } from "./faults/table.ts";
import { CELL_BYTES, CELLS, type Piece, type StressOp, TRANSFER_BYTES_MAX } from "./operation.ts";

/** What the draws of one worker depend on. */
export interface ShapeOptions {
  readonly seed: number;
  readonly round: number;
  readonly worker: number;
  readonly devices: readonly DmaDevice[];
  readonly areas: readonly Area[];
  readonly targets: readonly Target[];
  readonly cpus: number;
  /** Faults that may be drawn. */
  readonly faults: readonly FaultName[];
  /** The kernel has the two-step mapping API. Absent: false. */
  readonly linksIovas?: boolean;
}

/** First piece: room for the guard before it. */
const OFFSET_MIN = 64;
const PAGE = 4096;
const LINE_BYTES = 64;
const SMALL_BYTES = 4096;
const MIDDLE_BYTES = 2 ** 16;
const LARGE_BYTES = 2 ** 20;
/** Largest piece of a list whose memory may bounce; one in fifty asks for more and is refused. */
const BOUNCE_BYTES_MAX = 2 ** 18 - 8192;
/** One operation in this many is a fault, when faults are asked for. */
const FAULT_EVERY = 512;
/** One draw of a slow fault in this many counts. */
const SLOW_OF = 8;
const DIRS = [DIR.toDevice, DIR.fromDevice, DIR.bidirectional];
const ATTRS = [0, 0, 0, 0, ATTR.weakOrdering, ATTR.skipCpuSync, ATTR.noWarn, ATTR.privileged];
const WORKERS_STREAM = 64;

/** The operations of one worker, one after the other. */
export class ShapeSource {
  readonly #options: ShapeOptions;
  readonly #prng: Prng;
  readonly #paths: readonly number[];
  #next = 0;

  constructor(options: ShapeOptions) {
    this.#options = options;
    this.#prng = new Prng(options.seed, options.round * WORKERS_STREAM + options.worker);
    this.#paths = [...new Set(options.targets.map((target) => target.path))];
  }

  /** The next operation. There is at least one target. */
  next(): StressOp {
    const id = this.#next;
    this.#next += 1;
    const fault = this.#drawFault();
    const target = this.#drawTarget(fault);
    if (target === null) return this.#transfer(id, this.#drawTarget(null) as Target, null);
    return this.#transfer(id, target, fault);
  }

  #drawFault(): FaultName | null {
    const { faults } = this.#options;
    if (faults.length === 0 || this.#prng.below(FAULT_EVERY) !== 0) return null;
    const fault = faults[this.#prng.below(faults.length)] as FaultName;
    return FAULTS[fault].slow === true && this.#prng.below(SLOW_OF) !== 0 ? null : fault;
  }

  /** Paths are equally likely, however many devices have them. */
  #drawTarget(fault: FaultName | null): Target | null {
    const { targets } = this.#options;
    const paths = fault === null ? this.#paths : this.#paths.filter((path) => FAULTS[fault].paths.includes(path));
    const path = paths[this.#prng.below(paths.length)];
    const fitting = targets.filter(
      (target) => target.path === path && fits(fault, this.#device(target)) && this.#areasFor(fault, target).length > 0,
    );
    return fitting[this.#prng.below(fitting.length)] ?? null;
  }

  #areasFor(fault: FaultName | null, { areas }: Target): readonly number[] {
    const memory = fault === null ? undefined : FAULTS[fault].memory;
    if (memory === undefined) return areas;
    return areas.filter((area) => this.#options.areas[area]?.kind === memory && this.#isManaged(area));
  }

  /** Only RAM that the page allocator has can go offline. */
  #isManaged(area: number): boolean {
    const { kind, hasPages } = this.#options.areas[area] as Area;
    return kind !== "ram" || hasPages;
  }

  #device(target: Target): DmaDevice {
    return this.#options.devices[target.device] as DmaDevice;
  }

  #transfer(id: number, target: Target, fault: FaultName | null): StressOp {
    const prng = this.#prng;
    const device = this.#device(target);
    const call = fault !== null ? FAULTS[fault].call : this.#drawCall(target);
    const pieces = fault !== null ? this.#faultPiece(fault, target) : this.#drawPieces(target, device, call);
    const plain = fault !== null || call === "iova";
    const bytes = pieces.reduce((sum, piece) => sum + piece.bytes, 0);
    const big = bytes > CELL_BYTES / 2;
    return {
      id,
      device: target.device,
      path: target.path,
      call,
      dir: fault === null ? (DIRS[prng.below(DIRS.length)] as number) : FAULTS[fault].dir,
      attrs: plain ? 0 : (ATTRS[prng.below(ATTRS.length)] as number),
      cpu: prng.below(this.#options.cpus),
      pieces,
      reuse: !plain && prng.below(6) === 0,
      hold: fault !== null || big ? 0 : prng.below(CELLS - 1),
      fault,
    };
  }

  #drawCall(target: Target): StressOp["call"] {
    if (target.path === PATH.p2p || this.#prng.below(4) !== 0) return "sg";
    const links = this.#options.linksIovas === true && target.path === PATH.iommu;
    return links && this.#prng.below(2) === 0 ? "iova" : "phys";
  }

  /** Faults use one page: what counts is the fault. */
  #faultPiece(fault: FaultName, target: Target): Piece[] {
    const areas = this.#areasFor(fault, target);
    const area = areas[this.#prng.below(areas.length)] as number;
    return [{ area, offset: PAGE, bytes: (FAULTS[fault].bytes ?? 0) + 1 + this.#prng.below(PAGE) }];
  }

  #drawPieces(target: Target, device: DmaDevice, call: StressOp["call"]): Piece[] {
    const prng = this.#prng;
    const home = target.areas[prng.below(target.areas.length)] as number;
    if (call === "iova") return this.#linkedPieces(home, device.domain === null ? PAGE : granuleBytes(device.domain));
    const bouncy = target.path === PATH.bounce || device.untrusted;
    const total = this.#drawBytes(home, bouncy);
    const pieceMax = Math.min(device.maxSegBytes, bouncy && prng.below(50) !== 0 ? BOUNCE_BYTES_MAX : 2 ** 31);
    if (call === "phys") return this.#place(target, home, [bouncy ? Math.min(total, pieceMax) : total]);
    const entries = total > LARGE_BYTES ? 1 : 1 + prng.below(prng.below(64) === 0 ? 200 : 6);
    const lengths: number[] = [];
    for (let left = total; left > 0; ) {
      const share = Math.ceil(total / entries);
      const bytes = Math.min(left, pieceMax, 1 + prng.below(2 * share));
      lengths.push(lengths.length > 2000 ? Math.min(left, pieceMax) : bytes);
      left -= lengths.at(-1) as number;
    }
    return this.#place(target, home, lengths);
  }

  /** Whole granules, but for the start of the first piece and the end of the last. */
  #linkedPieces(area: number, granule: number): Piece[] {
    const prng = this.#prng;
    let offset = Math.max(granule, OFFSET_MIN) + prng.below(granule);
    return Array.from({ length: 1 + prng.below(4) }, (_, i) => {
      const start = i === 0 ? offset : alignUp(offset, granule) + granule * prng.below(3);
      const whole = alignUp(start + 1 + prng.below(2 * granule), granule);
      offset = whole;
      return { area, offset: start, bytes: whole - start };
    }).map((piece, i, all) => (i + 1 < all.length ? piece : { ...piece, bytes: 1 + prng.below(piece.bytes) }));
  }

  #drawBytes(area: number, bouncy: boolean): number {
    const prng = this.#prng;
    const dice = prng.below(10_000);
    if (dice < 4000) return drawLog(prng, 1, SMALL_BYTES);
    if (dice < 5200) return SMALL_BYTES;
    if (dice < 9800) return drawLog(prng, SMALL_BYTES, MIDDLE_BYTES);
    const hasBig = !bouncy && this.#options.areas[area]?.bigStart !== null;
    if (dice < 9998 || !hasBig) return drawLog(prng, MIDDLE_BYTES, bouncy ? LARGE_BYTES / 2 : LARGE_BYTES);
    return prng.below(4) === 0 ? TRANSFER_BYTES_MAX : drawLog(prng, LARGE_BYTES, TRANSFER_BYTES_MAX);
  }

  /**
   * Puts pieces behind one another, with and without gaps; a quarter of the short lists mixes areas. No two pieces
   * begin in the same cache line: what the device writes may not share one.
   */
  #place(target: Target, home: number, lengths: readonly number[]): Piece[] {
    const prng = this.#prng;
    // Not every area has a big cell.
    const fitsCell = lengths.reduce((sum, bytes) => sum + bytes, 0) <= CELL_BYTES / 2;
    const mixes = fitsCell && lengths.length > 1 && lengths.length < 64 && prng.below(4) === 0;
    const aligned = prng.below(3) === 0;
    let at = OFFSET_MIN + (aligned ? PAGE - OFFSET_MIN : prng.below(2 * PAGE));
    return lengths.map((bytes) => {
      const area = mixes ? (target.areas[prng.below(target.areas.length)] as number) : home;
      const piece = { area, offset: at, bytes };
      const end = at + bytes;
      const touches = prng.below(2) === 0 && bytes >= LINE_BYTES;
      at = touches
        ? end
        : alignUp(end + LINE_BYTES, aligned ? PAGE : LINE_BYTES) + (aligned ? 0 : prng.below(LINE_BYTES));
      return piece;
    });
  }
}

/** Faults that need more of a device than a path. */
function fits(fault: FaultName | null, device: DmaDevice): boolean {
  return fault === null || FAULTS[fault].fits(device);
}

/** At least `min`, below `max`; every power of two as likely as any other. */
function drawLog(prng: Prng, min: number, max: number): number {
  return Math.min(max - 1, Math.floor(min * (max / min) ** prng.unit()));
}
