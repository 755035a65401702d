/**
 * What dma-debug says against a driver: the kernel's sentences with the numbers of the case, and who owns the memory.
 */
import { DMA_MAPPING_ERROR } from "../../../base/addr.ts";
import { DIR_NAMES } from "../device.ts";
import { DEBUG_KIND_NAMES, type DebugMapping } from "./entry.ts";

/** Every class of error that the checker knows. */
export type DebugErrorKind =
  | "free of error value"
  | "free of unknown"
  | "free size"
  | "free function"
  | "free CPU address"
  | "free list length"
  | "free direction"
  | "unchecked"
  | "sync of unknown"
  | "sync outside"
  | "sync direction"
  | "sync read-only"
  | "sync write-only"
  | "sync list length"
  | "stack"
  | "kernel text"
  | "invalid area"
  | "vmalloc"
  | "segment length"
  | "segment boundary"
  | "pending at release"
  | "overlap"
  | "overlap limit"
  | "out of memory";

/** One error. */
export interface DebugError {
  readonly kind: DebugErrorKind;
  /** The kernel's text, without the `DMA-API: DRIVER DEVICE:` in front. */
  readonly text: string;
  /** Device (index) whose driver made the call. */
  readonly device: number;
  /** The mapping that the call meets: who made it (job, I/O number), where; null = none. */
  readonly mapped: DebugMapping | null;
  /** The call itself as a mapping: the second owner of an overlap, the unmap that does not fit; null = none. */
  readonly call: DebugMapping | null;
  /** False when num_errors had run out: counted, not printed. */
  readonly printed: boolean;
}

/** `0x` and sixteen digits; the error value is all ones. */
export function addr64(addr: number): string {
  const digits = addr === DMA_MAPPING_ERROR ? "f".repeat(16) : addr.toString(16).padStart(16, "0");
  return `0x${digits}`;
}

/** ` [device address=0x…] [size=N bytes]`. */
export function rangeText({ dmaAddr, bytes }: DebugMapping): string {
  return `[device address=${addr64(dmaAddr)}] [size=${bytes} bytes]`;
}

/** Name of a DEBUG_KIND in messages. */
export function kindText(kind: number): string {
  return DEBUG_KIND_NAMES[kind] ?? "unknown";
}

/** Name of a DIR in messages. */
export function dirText(dir: number): string {
  return `DMA_${DIR_NAMES[dir] ?? "NONE"}`;
}

/** Line of debugfs dma-api/dump: one live mapping with the job and I/O that made it. */
export function dumpLine(mapping: DebugMapping, deviceName: string, checked: number): string {
  const check =
    ["dma map error check not applicable", "dma map error not checked", "dma map error checked"][checked] ?? "";
  const place = `P=${mapping.phys.toString(16)} D=${mapping.dmaAddr.toString(16)} L=${mapping.bytes.toString(16)}`;
  return `${deviceName} ${kindText(mapping.kind)} ${place} ${dirText(mapping.dir)} ${check} (job ${mapping.job}, I/O ${mapping.io})`;
}
