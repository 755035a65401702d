/** Device limits that a preview may change: mask, segment size, boundary, alignment. */
import { hex, isPow2, maskOfBits } from "../../base/addr.ts";
import { DmasimError } from "../../base/errors.ts";
import { parseSizeBytes } from "../../base/units.ts";
import type { DmaDevice } from "../../host/dma/device.ts";

/** Texts of the flags; absent = the machine's value. */
export interface LimitWords {
  readonly mask?: string | undefined;
  readonly maxSeg?: string | undefined;
  readonly boundary?: string | undefined;
  readonly minAlignMask?: string | undefined;
}

const MASK_BITS_MIN = 20;
const MASK_BITS_MAX = 64;
const MAX_SEG_MIN = 512;
const MAX_SEG_MAX = 2 ** 32 - 1;
const BOUNDARY_MIN = 0xfff;
const ALIGN_MASK_MAX = 0xffff;

/** The device with the limits given. Throws one DmasimError for a value that no device has. */
export function withLimits(device: DmaDevice, words: LimitWords): DmaDevice {
  const { mask, maxSeg, boundary, minAlignMask } = words;
  return {
    ...device,
    dmaMask: mask === undefined ? device.dmaMask : maskOfBits(whole("--mask", mask, MASK_BITS_MIN, MASK_BITS_MAX)),
    maxSegBytes: maxSeg === undefined ? device.maxSegBytes : whole("--max-seg", maxSeg, MAX_SEG_MIN, MAX_SEG_MAX),
    segBoundaryMask: boundary === undefined ? device.segBoundaryMask : ones("--boundary", boundary, BOUNDARY_MIN),
    minAlignMask: minAlignMask === undefined ? device.minAlignMask : alignMask(minAlignMask),
  };
}

function alignMask(text: string): number {
  const value = ones("--min-align-mask", text, 0);
  if (value <= ALIGN_MASK_MAX) return value;
  throw invalid("--min-align-mask", text, `allowed: 0 to ${hex(ALIGN_MASK_MAX)}`);
}

function whole(flag: string, text: string, min: number, max: number): number {
  const value = parseSizeBytes(text);
  if (value !== undefined && value >= min && value <= max) return value;
  throw invalid(flag, text, `allowed: ${min} to ${max}${flag === "--mask" ? " (bits)" : " (bytes)"}`);
}

/** A mask of low ones. */
function ones(flag: string, text: string, min: number): number {
  const value = parseSizeBytes(text);
  if (value !== undefined && value >= min && value <= Number.MAX_SAFE_INTEGER && isPow2(value + 1)) return value;
  throw invalid(flag, text, `a mask of low ones, 2^n - 1, at least ${hex(min)}, e.g. 0xffff`);
}

function invalid(flag: string, text: string, limit: string): DmasimError {
  return new DmasimError({ code: "DMASIM_FLAG_INVALID", what: `${flag} has no usable value`, value: text, limit });
}
