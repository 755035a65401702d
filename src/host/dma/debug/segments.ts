/** The checks of one list entry against the device's limits (check_sg_segment), and of the memory it lies in. */
import { alignDownWide, type DmaAddr } from "../../../base/addr.ts";
import type { DmaDevice } from "../device.ts";
import { addr64, type DebugErrorKind } from "./errors.ts";

/** An error without its circumstances. */
export interface DebugFinding {
  readonly kind: DebugErrorKind;
  readonly text: string;
}

/** Memory that must not be mapped, as the caller knows it. */
export type DebugSource = "stack" | "kernel text" | "invalid area" | "vmalloc";

/** The length rule looks at the CPU side, the boundary rule at the DMA side. */
export function segmentFindings(
  device: Pick<DmaDevice, "maxSegBytes" | "segBoundaryMask">,
  cpuLength: number,
  dmaAddr: DmaAddr,
  dmaLength: number,
): DebugFinding[] {
  const findings: DebugFinding[] = [];
  if (cpuLength > device.maxSegBytes) {
    const text = `mapping sg segment longer than device claims to support [len=${cpuLength}] [max=${device.maxSegBytes}]`;
    findings.push({ kind: "segment length", text });
  }
  const last = dmaAddr + dmaLength - 1;
  const window = device.segBoundaryMask + 1;
  if (alignDownWide(dmaAddr, window) !== alignDownWide(last, window)) {
    const range = `[start=${addr64(dmaAddr)}] [end=${addr64(last)}] [boundary=${addr64(device.segBoundaryMask)}]`;
    findings.push({ kind: "segment boundary", text: `mapping sg segment across boundary ${range}` });
  }
  return findings;
}

/** What a driver must not hand to a streaming map. */
export function sourceFinding(source: DebugSource, phys: number, bytes: number): DebugFinding {
  const at = `[addr=${addr64(phys)}]`;
  switch (source) {
    case "stack":
      return { kind: "stack", text: `device driver maps memory from stack ${at}` };
    case "kernel text":
      return { kind: "kernel text", text: `device driver maps memory from kernel text or rodata ${at} [len=${bytes}]` };
    case "vmalloc":
      return { kind: "vmalloc", text: `device driver maps memory from vmalloc area ${at} [len=${bytes}]` };
    case "invalid area":
      return { kind: "invalid area", text: `device driver maps memory from invalid area ${at} [len=${bytes}]` };
  }
}
