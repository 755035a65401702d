/** Outcome of a device access, carried in completion and fault records: simulated hardware outcomes are data. */
export const DMA_STATUS = Object.freeze({
  ok: 0,
  /** The IOMMU has no present entry for the address. */
  notPresent: 1,
  /** The entry forbids the direction. */
  permission: 2,
  /** No memory decodes the address (master abort / unsupported request). */
  busError: 3,
  /** Given up because the run stopped. */
  aborted: 4,
  /** The window slot behind the address shows another page than when the address was handed out. */
  staleWindow: 5,
  /** A read request was never answered, and the device's completion timer ran out. */
  completionTimeout: 6,
  /** A completion came with its poison bit set: its data are not used. */
  poisoned: 7,
  /** The device is gone: link down or unplugged. */
  linkDown: 8,
});

/** Words of the DMAR fault reasons (VT-d specification, chapter 7) and of a PCIe completer. */
export const DMA_STATUS_NAMES = [
  "ok",
  "not present",
  "permission",
  "bus error",
  "aborted",
  "stale window",
  "completion timeout",
  "poisoned completion",
  "link down",
] as const;

/** Outcomes that a unit or bridge records as its fault; the others are heard of by the completion or the link's errors. */
export function isRecordedFault(status: number): boolean {
  return status > DMA_STATUS.ok && status < DMA_STATUS.staleWindow;
}

/** Operation of a descriptor, from the memory's point of view of the device. */
export const DESC_OP = Object.freeze({
  /** Device writes memory (a job's read). */
  write: 1,
  /** Device reads memory (a job's write). */
  read: 2,
  /** Memory to memory. */
  copy: 3,
});

/** Operation of a copy command (virtual clock). */
export const COPY_OP = Object.freeze({
  copy: 1,
  /** keyLo is the byte. */
  fill: 2,
  patternFill: 3,
  patternCheck: 4,
  /** keyLo is the byte that must still stand everywhere. */
  checkFill: 5,
  compare: 6,
  flip: 7,
  /** Medium content through the engine's device buffer to memory, with the pattern or as the buffer is. */
  toMemory: 8,
  toMemoryRaw: 9,
  /** Memory to the device buffer, checked there or not. */
  fromMemory: 10,
  fromMemoryRaw: 11,
});
