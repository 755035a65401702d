/**
 * I/O that no device does: a DAX mapping, where the CPU moves the bytes in the submitting call (path `cpu`).
 */
import type { Phys } from "../base/addr.ts";
import { POISON, patternKey } from "../memory/pattern.ts";
import type { BufferPlan } from "./load/buffers.ts";
import type { CloneSpec, DaxMapping } from "./load/clones.ts";
import type { CheckedTransfer } from "./mismatch.ts";
import type { Payload } from "./payload.ts";

/** Performs one I/O of a DAX clone; `verify` produces and checks the data. */
export function copyByCpu(
  spec: CloneSpec,
  payload: Payload,
  what: CheckedTransfer,
  write: boolean,
  offset: number,
  bytes: number,
  verify: boolean,
): void {
  const dax = spec.dax as DaxMapping;
  const buffer: Phys = (spec.buffers as BufferPlan).base;
  const pmem: Phys = dax.start + offset;
  const key = patternKey(spec.seed, spec.index);
  if (write) {
    if (verify) payload.patternFill(what, buffer, bytes, key.lo, key.hi, 0);
    payload.copy(what, pmem, buffer, bytes);
    if (verify) payload.patternCheck(what, pmem, bytes, key.lo, key.hi, 0, pmem);
    return;
  }
  if (verify) payload.fill(what, buffer, POISON, bytes);
  payload.copy(what, buffer, pmem, bytes);
  if (verify) payload.compare(what, buffer, pmem, bytes);
}
