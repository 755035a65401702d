/**
 * Receive path of a NIC: packets arrive in rings of mapped buffers, merged buffers are released and acknowledged.
 *
 * The production allocator, mapper, IOTLB and walker do the work, so that scattered IOVAs and dropped cache entries
 * are what they become; only arrivals are drawn. Releases of one merged buffer lie between two packets.
 */
import { assert, defined } from "../../../base/assert.ts";
import { Prng } from "../../../base/prng.ts";
import { DIR } from "../../../host/dma/device.ts";
import { HostLab, type HostParts, type LabMapping } from "../host/host_lab.ts";
import { CountingUnit, type UnitParts } from "./counting_unit.ts";
import { PacketBuffers } from "./packet_buffers.ts";

const PAGE_BYTES = 4096;
const SEED = 1;
const WARMUP_PACKETS = 4_000;
const PACKETS = 12_000;
/** Pieces that all rings and the allocator's caches hold at most; larger rings behave like these. */
const PIECES_MAX = 60_000;
/** Pages of completions and descriptors of each core. */
const CONTROL_PAGES = 4;
/** Completion of a packet; descriptor and completion of an ACK. */
const CONTROL_OF_PACKET = 1;
const CONTROL_OF_ACK = 2;

/** What the rings carry. */
export interface ReceiveTraffic {
  readonly cores: number;
  /** Bytes of the buffers of one ring. */
  readonly ringBytes: number;
  /** Buffer bytes of a packet: a part of a page, or whole pages. */
  readonly strideBytes: number;
  /** Buffers are mapped in pieces of this many bytes, ACKs in pieces of `ackPieceBytes`. */
  readonly pieceBytes: number;
  readonly ackPieceBytes: number;
  /** Packets of one merged buffer on average. */
  readonly merged: number;
  /** Merged buffers that the application takes, and releases, at a time. */
  readonly buffersPerRead: number;
  /** Pieces of one core that wait for the application. */
  readonly queuedPieces: number;
  readonly acksPerPacket: number;
  /** Share of accesses to descriptors and completions whose translation is gone. */
  readonly controlMissShare: number;
  /** IOVAs of one ring that a long run has left in the allocator's caches, for each one in use. */
  readonly spareShare: number;
}

/** Means per packet. */
export interface ReceiveCounts {
  readonly iotlb: number;
  readonly levels: readonly [number, number, number];
  readonly reads: number;
}

/** Buffers of one core. */
interface Ring {
  readonly packets: PacketBuffers;
  readonly acks: PacketBuffers;
  readonly control: readonly number[];
  /** Share of what the application reads at once that has come, and of an ACK. */
  unread: number;
  unacked: number;
}

/** One machine under one kind of traffic. */
export class ReceiveRun {
  readonly #lab: HostLab;
  readonly #unit: CountingUnit;
  readonly #traffic: ReceiveTraffic;
  readonly #rings: readonly Ring[];
  readonly #random = new Prng(SEED);
  #controlMisses = 0;

  constructor(parts: HostParts, unitParts: UnitParts, traffic: ReceiveTraffic) {
    let unit: CountingUnit | undefined;
    this.#lab = new HostLab(parts, (arena) => {
      unit = new CountingUnit(arena, unitParts);
      return unit;
    });
    this.#unit = defined(unit as CountingUnit | undefined, "the lab has made its unit");
    this.#traffic = traffic;
    this.#rings = this.#agedBuffers().map((buffers, cpu) => this.#ringOf(cpu, buffers));
  }

  /** Runs until the caches and magazines are warm, then counts. */
  run(): ReceiveCounts {
    for (let i = 0; i < WARMUP_PACKETS; i += 1) this.#packet();
    this.#unit.reset();
    for (let i = 0; i < PACKETS; i += 1) this.#packet();
    const { iotlbMisses, reads, caches } = this.#unit;
    const [, first, second, third] = caches.misses;
    return {
      iotlb: iotlbMisses / PACKETS,
      levels: [first / PACKETS, second / PACKETS, third / PACKETS],
      reads: reads / PACKETS,
    };
  }

  /**
   * Buffers of all rings as an allocator gives them that has run for long: scattered over all IOVAs that were ever in use,
   * the others left in its caches in any order. Of each ring its mapped pieces.
   */
  #agedBuffers(): readonly LabMapping[][] {
    const { cores, ringBytes, pieceBytes, spareShare } = this.#traffic;
    const wanted = Math.max(2, Math.ceil(ringBytes / pieceBytes));
    const perRing = Math.min(wanted, Math.floor(PIECES_MAX / (1 + spareShare) / cores));
    const held: LabMapping[] = [];
    for (let i = 0; i < Math.ceil(perRing * (1 + spareShare)) * cores; i += 1) {
      const mapping = this.#lab.map(i % cores, 1, pieceBytes, DIR.fromDevice);
      assert(mapping !== null, "the arena has room for the buffers of the rings");
      held.push(mapping);
    }
    const rings = Array.from({ length: cores }, () => this.#drawn(held, perRing));
    for (const [i, spare] of this.#drawn(held, held.length).entries()) {
      this.#lab.unmap(i % cores, spare, 1, pieceBytes, DIR.fromDevice);
    }
    return rings;
  }

  /** Takes `count` mappings out of `held` at random. */
  #drawn(held: LabMapping[], count: number): LabMapping[] {
    return Array.from({ length: count }, () => {
      const at = this.#random.below(held.length);
      const drawn = held[at] as LabMapping;
      held[at] = held[held.length - 1] as LabMapping;
      held.pop();
      return drawn;
    });
  }

  #ringOf(cpu: number, buffers: readonly LabMapping[]): Ring {
    const { pieceBytes, ackPieceBytes } = this.#traffic;
    const control = this.#lab.map(cpu, 1, CONTROL_PAGES * PAGE_BYTES, DIR.bidirectional);
    const first = control?.dmaAddr ?? 0;
    return {
      control: Array.from({ length: CONTROL_PAGES }, (_, page) => first + page * PAGE_BYTES),
      packets: new PacketBuffers(this.#lab, cpu, buffers, pieceBytes, DIR.fromDevice),
      acks: new PacketBuffers(this.#lab, cpu, [], ackPieceBytes, DIR.toDevice),
      unread: 0,
      unacked: 0,
    };
  }

  #packet(): void {
    const { strideBytes, merged, buffersPerRead, acksPerPacket, queuedPieces } = this.#traffic;
    const ring = this.#rings[this.#random.below(this.#rings.length)] as Ring;
    for (let at = 0; at < strideBytes; at += PAGE_BYTES) {
      this.#access(ring.packets.take(Math.min(PAGE_BYTES, strideBytes)), true);
    }
    this.#control(ring, CONTROL_OF_PACKET);
    ring.unread += 1 / (merged * buffersPerRead);
    for (; ring.unread >= 1; ring.unread -= 1) {
      ring.acks.release(0, false);
      ring.packets.release(queuedPieces, true);
    }
    ring.unacked += acksPerPacket;
    for (; ring.unacked >= 1; ring.unacked -= 1) {
      this.#access(ring.acks.take(PAGE_BYTES), false);
      this.#control(ring, CONTROL_OF_ACK);
    }
  }

  /** `accesses` to completions and descriptors, some of which find their translation gone. */
  #control(ring: Ring, accesses: number): void {
    this.#controlMisses += accesses * this.#traffic.controlMissShare;
    for (; this.#controlMisses >= 1; this.#controlMisses -= 1) {
      this.#unit.walk(ring.control[this.#random.below(CONTROL_PAGES)] as number);
    }
  }

  #access(iova: number, write: boolean): void {
    const domain = this.#lab.device.domain;
    if (domain !== null && domain !== undefined) this.#unit.access(domain.index, this.#lab.format, iova, write);
  }
}
