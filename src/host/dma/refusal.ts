/**
 * What the kernel logs and returns when a mapping fails, in its words and with the numbers of the case.
 */
import { hex, type Phys } from "../../base/addr.ts";
import type { Era } from "../../base/era.ts";
import type { HostContext } from "../context.ts";
import { failureOf, MAP_FAILURES } from "../status.ts";
import { allocationBytes } from "../swiotlb/bounce.ts";
import { fullLines } from "../swiotlb/classify.ts";
import { slotsTotal } from "../swiotlb/grown.ts";
import { slotsUsed } from "../swiotlb/pool.ts";
import { ATTR, type DmaDevice } from "./device.ts";
import { directAddress, granuleBytes } from "./limits.ts";
import { busAddressText } from "./range_map.ts";

/** What was asked for when the mapping failed: the entry that failed, for a list. */
export interface RefusedRequest {
  readonly phys: Phys;
  readonly bytes: number;
  readonly attrs: number;
}

const ADDRESS_DIGITS = 16;

/**
 * Lines of the kernel log for failure `code`, without their `device:` prefix; none where the kernel is silent (IOVA or
 * table exhaustion, peers, DMA_ATTR_NO_WARN). Call it right after the failure: the pool's counters are read now.
 */
export function refusalLines(
  ctx: HostContext,
  device: DmaDevice,
  request: RefusedRequest,
  code: number,
): readonly string[] {
  if (code === MAP_FAILURES.maskOverflow.code) return [overflowText(ctx.era, device, request)];
  if (code !== MAP_FAILURES.poolFull.code && code !== MAP_FAILURES.tooLarge.code) return [];
  if ((request.attrs & ATTR.noWarn) !== 0) return [];
  return fullText(ctx, device, request);
}

/** The kernel's lines, or when it is silent the failure's name; each with the device's name in front. */
export function refusalText(ctx: HostContext, device: DmaDevice, request: RefusedRequest, code: number): string {
  const lines = refusalLines(ctx, device, request, code);
  const said = lines.length > 0 ? lines : [failureOf(code)?.name ?? "mapping failed"];
  return said.map((line) => `${device.name}: ${line}`).join("\n");
}

/** Errno of dma_map_sgtable for failure `code`; 0 in kernel 4.1, whose dma_map_sg says no more than "nothing mapped". */
export function sgtableErrno(era: Era, code: number): number {
  return era === "4.1" ? 0 : (failureOf(code)?.errno ?? 0);
}

function overflowText(era: Era, device: DmaDevice, request: RefusedRequest): string {
  const mask = device.dmaMask.toString(16);
  const digits = busAddressText(directAddress(device, request.phys, request.attrs)).slice(2);
  if (era === "4.1") return `nommu_map_sg: overflow ${digits}+${request.bytes} of device mask ${mask}`;
  const addr = `0x${digits.padStart(ADDRESS_DIGITS, "0")}`;
  return `DMA addr ${addr}+${request.bytes} overflow (mask ${mask}, bus limit ${device.busDmaLimit.toString(16)}).`;
}

function fullText(ctx: HostContext, device: DmaDevice, request: RefusedRequest): readonly string[] {
  const pool = device.pool;
  if (pool === null) {
    return device.domain === null
      ? ["Can not allocate SWIOTLB buffer earlier and can't now provide you with the DMA bounce buffer"]
      : [`no bounce pool for the partial granule at ${hex(request.phys)}`];
  }
  const allocAlignMask = device.domain === null || ctx.era === "4.1" ? 0 : granuleBytes(device.domain) - 1;
  const bounced = { orig: request.phys, mappingBytes: request.bytes, allocAlignMask };
  const bytes = allocationBytes(ctx.era, device.minAlignMask, allocAlignMask, request.phys, request.bytes);
  return fullLines(ctx.era, device.name, bounced, bytes, slotsTotal(ctx.arena, pool), slotsUsed(ctx.arena, pool));
}
