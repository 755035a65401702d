/**
 * Fault records: what IOMMU units and bridges refused (after the fault recording registers of VT-d).
 *
 * Words:      HEADER.faultNext (any, fetch-add); one FAULT record per number below the region's count.
 * Invariants: a record is written once, by the thread that drew its number; later faults only count.
 * Ordering:   `reason` is stored last and atomically; a reader skips records without it.
 * Progress:   wait-free.
 * Proof:      test/unit/device/fault.test.ts
 */
import { type DmaAddr, hex } from "../base/addr.ts";
import type { Arena } from "../shm/arena.ts";
import { fetchAdd, load, store } from "../shm/atomics.ts";
import { DMA_STATUS, DMA_STATUS_NAMES, isRecordedFault } from "../shm/dma_status.ts";
import { DEVICE, FAULT, HEADER, REGIONS } from "../shm/layout.ts";

const FAULT_NEXT = REGIONS.header.word + HEADER.faultNext;
const FAULTS = REGIONS.faults;

/** Fault reasons of second-stage translation (VT-d specification, fault conditions). */
export const VTD_FAULT_REASON = Object.freeze({ beyondAddressWidth: 4, writeNotSet: 5, readNotSet: 6 });

/** One refused access. */
export interface FaultReport {
  /** DMA_STATUS of the access, never ok. */
  readonly status: number;
  readonly device: number;
  readonly write: boolean;
  readonly tag: number;
  readonly io: number;
  readonly addr: DmaAddr;
}

/**
 * Records a refused access of a device; `status` is its DMA_STATUS. Stale windows and errors of a link are no faults that a
 * unit reports: the driver hears of them by the completion. Hot: does not allocate.
 */
export function recordFault(
  arena: Arena,
  status: number,
  device: number,
  write: boolean,
  addr: DmaAddr,
  tag: number,
  io: number,
): void {
  if (!isRecordedFault(status)) return;
  const words = arena.i32;
  fetchAdd(words, REGIONS.devices.word + device * REGIONS.devices.stride + DEVICE.faults, 1);
  const number = fetchAdd(words, FAULT_NEXT, 1);
  if (number < 0 || number >= FAULTS.count) return;
  const base = FAULTS.word + number * FAULTS.stride;
  words[base + FAULT.device] = device;
  words[base + FAULT.write] = write ? 1 : 0;
  words[base + FAULT.tag] = tag;
  arena.f64[(base + FAULT.addr) >>> 1] = addr;
  arena.f64[(base + FAULT.io) >>> 1] = io;
  store(words, base + FAULT.reason, status);
}

/** Faults since the arena was made, recorded or not. */
export function faultCount(arena: Arena): number {
  return load(arena.i32, FAULT_NEXT) >>> 0;
}

/** Faults of one device. */
export function faultsOfDevice(arena: Arena, device: number): number {
  return load(arena.i32, REGIONS.devices.word + device * REGIONS.devices.stride + DEVICE.faults);
}

/** The first faults of the run, oldest first, at most `limit`. */
export function readFaults(arena: Arena, limit: number = FAULTS.count): FaultReport[] {
  const count = Math.min(faultCount(arena), FAULTS.count, limit);
  const reports: FaultReport[] = [];
  for (let i = 0; i < count; i += 1) {
    const base = FAULTS.word + i * FAULTS.stride;
    const status = load(arena.i32, base + FAULT.reason);
    if (status !== DMA_STATUS.ok) reports.push(readFault(arena, base, status));
  }
  return reports;
}

/** Reason number that a VT-d unit reports; 0 when the refusal came from elsewhere. An absent entry has neither R nor W. */
export function vtdFaultReason(report: FaultReport, addressLimit: number): number {
  if (report.status !== DMA_STATUS.notPresent && report.status !== DMA_STATUS.permission) return 0;
  if (report.addr >= addressLimit) return VTD_FAULT_REASON.beyondAddressWidth;
  return report.write ? VTD_FAULT_REASON.writeNotSet : VTD_FAULT_REASON.readNotSet;
}

/** One line: direction, address and why. */
export function formatFault(report: FaultReport): string {
  const why = DMA_STATUS_NAMES[report.status] ?? `status ${report.status}`;
  return `device ${report.device}: DMA ${report.write ? "write" : "read"} of ${hex(report.addr)}: ${why}`;
}

function readFault(arena: Arena, base: number, status: number): FaultReport {
  return {
    status,
    device: arena.i32[base + FAULT.device] as number,
    write: arena.i32[base + FAULT.write] === 1,
    tag: arena.u32[base + FAULT.tag] as number,
    io: arena.f64[(base + FAULT.io) >>> 1] as number,
    addr: arena.f64[(base + FAULT.addr) >>> 1] as number,
  };
}
