/**
 * Invalidation requests of SMMUv3 (drivers/iommu/arm/arm-smmu-v3: __arm_smmu_tlb_inv_range; SMMUv3 architecture, CMD_TLBI_NH_VA,
 * CMD_SYNC).
 *
 * A range command covers (NUM + 1) * 2^SCALE pages of the translation granule. A unit without them (before SMMUv3.2) takes a
 * command a page, or one for everything where that is too many.
 */
import { lowBits, trailingZeros } from "../base/addr.ts";
import { lowHalf } from "./format.ts";

/** Commands that one submission to the queue carries. */
export const COMMAND_BATCH = 64;
/** Commands beyond which the kernel invalidates everything instead: pages a table of the granule 4 KiB maps. */
export const TLBI_COMMANDS_MAX = 512;

const NUM_MAX = 31;
const LEVEL_LAST = 4;
const ENTRY_SHIFT = 3;
const OPCODE_TLBI_NH_VA = 0x12;
const NUM_SHIFT = 12;
const SCALE_SHIFT = 20;
const ASID_SHIFT = 16;
const TTL_SHIFT = 8;
const TG_SHIFT = 10;

/** CMD_TLBI_NH_VA; fields as the architecture names them. */
export interface TlbiCommand {
  readonly addr: number;
  /** Pages covered. */
  readonly pages: number;
  /** Encoded: pages = (num + 1) * 2^scale. 0 and 0 in a command for one page. */
  readonly num: number;
  readonly scale: number;
  /** Encoded granule: 1 = 4 KiB, 2 = 16 KiB, 3 = 64 KiB; 0 in a command for one page. */
  readonly tg: number;
  /** Architecture's level of the leaf (1 to 3), 0 = unknown. */
  readonly ttl: number;
  /** Only leaves changed: walk caches may stay. */
  readonly leaf: boolean;
}

/** What was unmapped, and what the unit can do. */
export interface TlbiRequest {
  readonly iova: number;
  readonly bytes: number;
  /** log2 of the format's granule. */
  readonly granuleShift: number;
  /** log2 of the pages that were unmapped. */
  readonly pageShift: number;
  readonly leaf: boolean;
  /** The unit has range commands (IDR3.RIL). */
  readonly rangeCapable: boolean;
}

/** Commands for a range, without the CMD_SYNC behind them; null = one command for everything of the address space. */
export function tlbiCommands(request: TlbiRequest): TlbiCommand[] | null {
  return request.rangeCapable ? rangeCommands(request) : pageCommands(request);
}

/** Submissions to the queue: batches of 64 commands, and the CMD_SYNC in the last one. */
export function tlbiSubmissions(commands: number): number {
  return Math.floor(commands / COMMAND_BATCH) + 1;
}

/** The four words of a command for the address space `asid`, low word first. */
export function tlbiWords(command: TlbiCommand, asid: number): readonly [number, number, number, number] {
  const first = OPCODE_TLBI_NH_VA + command.num * 2 ** NUM_SHIFT + command.scale * 2 ** SCALE_SHIFT;
  const flags = (command.leaf ? 1 : 0) + command.ttl * 2 ** TTL_SHIFT + command.tg * 2 ** TG_SHIFT;
  const low = lowHalf(command.addr);
  return [first, asid * 2 ** ASID_SHIFT, low + flags, (command.addr - low) / 2 ** 32];
}

/** Level of a leaf of 2^pageShift bytes as TTL names it: 3 for the granule, 2 and 1 for its blocks. */
export function leafTtl(granuleShift: number, pageShift: number): number {
  return LEVEL_LAST - Math.floor((pageShift - ENTRY_SHIFT) / (granuleShift - ENTRY_SHIFT));
}

function rangeCommands(request: TlbiRequest): TlbiCommand[] {
  const { granuleShift, pageShift, leaf } = request;
  const granule = 2 ** granuleShift;
  const ttl = leaf ? leafTtl(granuleShift, pageShift) : 0;
  const tg = (granuleShift - 10) / 2;
  const commands: TlbiCommand[] = [];
  let left = Math.ceil(request.bytes / granule);
  // Without a level, num = scale = 0 is reserved: one page more makes it a range.
  if (!leaf && lowBits(left, NUM_MAX + 1) === 1) left += 1;
  for (let addr = request.iova; left > 0; ) {
    const scale = trailingZeros(left);
    const units = left / 2 ** scale;
    const count = lowBits(units, NUM_MAX + 1);
    const pages = count * 2 ** scale;
    commands.push({ addr, pages, num: count - 1, scale, tg, ttl, leaf });
    left -= pages;
    addr += pages * granule;
  }
  return commands;
}

function pageCommands(request: TlbiRequest): TlbiCommand[] | null {
  const step = 2 ** (request.leaf ? request.pageShift : request.granuleShift);
  const count = Math.ceil(request.bytes / step);
  if (count >= TLBI_COMMANDS_MAX) return null;
  const pages = step / 2 ** request.granuleShift;
  return Array.from({ length: count }, (_, at) => {
    return { addr: request.iova + at * step, pages, num: 0, scale: 0, tg: 0, ttl: 0, leaf: request.leaf };
  });
}
