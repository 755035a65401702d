/** Comparing a call with the mapping it means (kernel/dma/debug.c: check_unmap, check_sync). */
import { DMA_MAPPING_ERROR } from "../../../base/addr.ts";
import { DIR } from "../device.ts";
import { DEBUG_KIND, type DebugMapping, MAP_CHECK } from "./entry.ts";
import { addr64, type DebugErrorKind, dirText, kindText, rangeText } from "./errors.ts";
import type { DebugVerdict } from "./session.ts";

/** All that is wrong with an unmap; `mapped` null = no mapping begins there, or several that do not fit. */
export function unmapVerdicts(mapped: DebugMapping | null, check: number, wanted: DebugMapping): DebugVerdict[] {
  if (mapped === null) {
    if (wanted.dmaAddr === DMA_MAPPING_ERROR) {
      return [{ kind: "free of error value", text: "device driver tries to free an invalid DMA memory address" }];
    }
    const text = `device driver tries to free DMA memory it has not allocated ${rangeText(wanted)}`;
    return [{ kind: "free of unknown", text }];
  }
  const found: DebugVerdict[] = [];
  const say = (kind: DebugErrorKind, text: string) => found.push({ kind, text: `device driver ${text}`, mapped });
  if (mapped.bytes !== wanted.bytes) {
    const sizes = `[map size=${mapped.bytes} bytes] [unmap size=${wanted.bytes} bytes]`;
    const at = `[device address=${addr64(wanted.dmaAddr)}]`;
    say("free size", `frees DMA memory with different size ${at} ${sizes}`);
  }
  if (mapped.kind !== wanted.kind) {
    const kinds = `[mapped as ${kindText(mapped.kind)}] [unmapped as ${kindText(wanted.kind)}]`;
    say("free function", `frees DMA memory with wrong function ${rangeText(wanted)} ${kinds}`);
  } else if (isAllocation(mapped) && mapped.phys !== wanted.phys) {
    const places = `[cpu alloc address=${addr64(mapped.phys)}] [cpu free address=${addr64(wanted.phys)}]`;
    say("free CPU address", `frees DMA memory with different CPU address ${rangeText(wanted)} ${places}`);
  }
  if (wanted.kind === DEBUG_KIND.sg && mapped.nents !== wanted.nents) {
    const counts = `[map count=${mapped.nents}] [unmap count=${wanted.nents}]`;
    say("free list length", `frees DMA sg list with different entry count ${counts}`);
  }
  if (mapped.dir !== wanted.dir) {
    const dirs = `[mapped with ${dirText(mapped.dir)}] [unmapped with ${dirText(wanted.dir)}]`;
    say("free direction", `frees DMA memory with different direction ${rangeText(wanted)} ${dirs}`);
  }
  if (check === MAP_CHECK.missing) {
    say("unchecked", `failed to check map error ${rangeText(wanted)} [mapped as ${kindText(mapped.kind)}]`);
  }
  return found;
}

/** All that is wrong with a sync of a part of `mapped`; null = no mapping holds the range. */
export function syncVerdicts(mapped: DebugMapping | null, wanted: DebugMapping, forCpu: boolean): DebugVerdict[] {
  if (mapped === null) {
    const range = rangeText(wanted);
    return [{ kind: "sync of unknown", text: `device driver tries to sync DMA memory it has not allocated ${range}` }];
  }
  const found: DebugVerdict[] = [];
  const say = (kind: DebugErrorKind, text: string) => found.push({ kind, text: `device driver ${text}`, mapped });
  if (wanted.bytes > mapped.bytes) {
    const range = rangeText(wanted);
    const sizes = `[allocation size=${mapped.bytes} bytes] [sync size=${wanted.bytes} bytes]`;
    say("sync outside", `syncs DMA memory outside allocated range ${range} ${sizes}`);
  }
  if (mapped.dir === DIR.bidirectional || isPlainSync(mapped, wanted, forCpu)) return found;
  const range = rangeText(wanted);
  const dirs = `[mapped with ${dirText(mapped.dir)}] [synced with ${dirText(wanted.dir)}]`;
  if (mapped.dir !== wanted.dir) say("sync direction", `syncs DMA memory with different direction ${range} ${dirs}`);
  if (forCpu && mapped.dir !== DIR.fromDevice && wanted.dir !== DIR.toDevice) {
    say("sync read-only", `syncs device read-only DMA memory for cpu ${range} ${dirs}`);
  }
  if (!forCpu && mapped.dir !== DIR.toDevice && wanted.dir !== DIR.fromDevice) {
    say("sync write-only", `syncs device write-only DMA memory to device ${range} ${dirs}`);
  }
  if (wanted.kind === DEBUG_KIND.sg && mapped.nents !== wanted.nents) {
    const counts = `[map count=${mapped.nents}] [sync count=${wanted.nents}]`;
    say("sync list length", `syncs DMA sg list with different entry count ${counts}`);
  }
  return found;
}

function isAllocation({ kind }: DebugMapping): boolean {
  return kind === DEBUG_KIND.coherent || kind === DEBUG_KIND.noncoherent;
}

/** The sync that every correct driver makes: no text is needed for it. */
function isPlainSync(mapped: DebugMapping, wanted: DebugMapping, forCpu: boolean): boolean {
  if (mapped.dir !== wanted.dir) return false;
  if (wanted.kind === DEBUG_KIND.sg && mapped.nents !== wanted.nents) return false;
  if (forCpu) return mapped.dir === DIR.fromDevice || wanted.dir === DIR.toDevice;
  return mapped.dir === DIR.toDevice || wanted.dir === DIR.fromDevice;
}
