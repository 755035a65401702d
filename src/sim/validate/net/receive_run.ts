/**
 * Receive path of a NIC: packets arrive in rings of mapped buffers, merged buffers are released and acknowledged.
 *
 * The production allocator, mapper, IOTLB and walker do the work, so that scattered IOVAs and dropped cache entries
 * are what they become; only arrivals are drawn. Releases of one merged buffer lie between two packets.
 */
import { Prng } from "../../../base/prng.ts";
import { DIR } from "../../../host/dma/device.ts";
import { HostLab, type HostParts, type LabMapping } from "../host/host_lab.ts";
import { CountingUnit, type UnitParts } from "./counting_unit.ts";
import { PacketBuffers } from "./packet_buffers.ts";

const PAGE_BYTES = 4096;
const SEED = 1;
const WARMUP_PACKETS = 16_000;
const PACKETS = 16_000;
/** Pages of completions and descriptors of each core. */
const CONTROL_PAGES = 4;

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
  readonly acks: boolean;
  /** Translations of a packet beside its buffer and its ACK. */
  readonly otherMisses: number;
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
  /** Share of a merged buffer that has arrived. */
  open: number;
  /** Share of what the application reads at once that has come. */
  unread: number;
}

/** One machine under one kind of traffic. */
export class ReceiveRun {
  readonly #lab: HostLab;
  readonly #unit: CountingUnit;
  readonly #traffic: ReceiveTraffic;
  readonly #rings: readonly Ring[];
  readonly #random = new Prng(SEED);
  #others = 0;

  constructor(parts: HostParts, unitParts: UnitParts, traffic: ReceiveTraffic) {
    let unit: CountingUnit | undefined;
    this.#lab = new HostLab(parts, (arena) => {
      unit = new CountingUnit(arena, unitParts);
      return unit;
    });
    this.#unit = unit as unknown as CountingUnit;
    this.#traffic = traffic;
    this.#age();
    this.#rings = Array.from({ length: traffic.cores }, (_, cpu) => this.#ringOf(cpu));
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

  /** Leaves IOVAs in the order in which an allocator has them that has run for long: scattered over all that were ever in use. */
  #age(): void {
    const { cores, ringBytes, pieceBytes, spareShare } = this.#traffic;
    const pieces = Math.ceil((ringBytes / pieceBytes) * (1 + spareShare)) * cores;
    const held: LabMapping[] = [];
    for (let i = 0; i < pieces; i += 1) {
      const mapping = this.#lab.map(i % cores, 1, pieceBytes, DIR.fromDevice);
      if (mapping !== null) held.push(mapping);
    }
    for (let left = held.length; left > 0; left -= 1) {
      const at = this.#random.below(left);
      this.#lab.unmap(left % cores, held[at] as LabMapping, 1, pieceBytes, DIR.fromDevice);
      held[at] = held[left - 1] as LabMapping;
    }
  }

  #ringOf(cpu: number): Ring {
    const { ringBytes, pieceBytes, ackPieceBytes } = this.#traffic;
    const pieces = Math.max(2, Math.ceil(ringBytes / pieceBytes));
    const control = this.#lab.map(cpu, 1, CONTROL_PAGES * PAGE_BYTES, DIR.bidirectional);
    const first = control?.dmaAddr ?? 0;
    return {
      control: Array.from({ length: CONTROL_PAGES }, (_, page) => first + page * PAGE_BYTES),
      packets: new PacketBuffers(this.#lab, cpu, pieces, pieceBytes, DIR.fromDevice),
      acks: new PacketBuffers(this.#lab, cpu, 0, ackPieceBytes, DIR.toDevice),
      open: 0,
      unread: 0,
    };
  }

  #packet(): void {
    const { strideBytes, merged, otherMisses } = this.#traffic;
    const ring = this.#rings[this.#random.below(this.#rings.length)] as Ring;
    for (let at = 0; at < strideBytes; at += PAGE_BYTES) {
      this.#access(ring.packets.take(Math.min(PAGE_BYTES, strideBytes)), true);
    }
    this.#others += otherMisses;
    for (; this.#others >= 1; this.#others -= 1) {
      this.#unit.walk(ring.control[this.#random.below(CONTROL_PAGES)] as number);
    }
    ring.open += 1 / merged;
    for (; ring.open >= 1; ring.open -= 1) this.#mergedBuffer(ring);
  }

  /** A merged buffer is complete: it is acknowledged, and the application reads when enough have come. */
  #mergedBuffer(ring: Ring): void {
    ring.unread += 1 / this.#traffic.buffersPerRead;
    for (; ring.unread >= 1; ring.unread -= 1) {
      ring.acks.release(false);
      ring.packets.release(true);
    }
    if (this.#traffic.acks) this.#access(ring.acks.take(PAGE_BYTES), false);
  }

  #access(iova: number, write: boolean): void {
    const domain = this.#lab.device.domain;
    if (domain !== null && domain !== undefined) this.#unit.access(domain.index, this.#lab.format, iova, write);
  }
}
