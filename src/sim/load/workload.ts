/**
 * What one job clone asks for next: direction, offset and length of every I/O, by fio's rules.
 *
 * Deterministic from (seed, clone): under the virtual clock, under wall and in the verify pass the
 * same clone produces the same sequence. `next` fills public fields and does not allocate.
 */
import { Prng } from "../../base/prng.ts";
import type { BlockSizeShare, JobSpec } from "../profile/job.ts";
import { CopyTestDraw } from "./copy_test.ts";
import { OffsetDraw } from "./offsets.ts";
import { Permutation } from "./permutation.ts";

/** Where a clone's work ends; `passBytes` may differ from `extentBytes` in both directions. */
export interface WorkloadLimits {
  /** Bytes of the extent. */
  readonly extentBytes: number;
  /** Bytes of one pass; fio's io_size or size. */
  readonly passBytes: number;
  readonly loops: number;
  /** I/Os after which the clone stops, whatever else says; Infinity = none. */
  readonly iosMax: number;
  /** Repeats passes until the runtime ends. */
  readonly endless: boolean;
}

/** Generator of one clone's I/Os; public fields describe the one that {@link next} produced. */
export class Workload {
  /** The I/O that {@link next} produced. */
  write = false;
  offset = 0;
  bytes = 0;
  /** Index in the current pass. */
  io = 0;
  /** Pass number: loop of the job. */
  pass = 0;
  readonly #job: JobSpec;
  readonly #limits: WorkloadLimits;
  readonly #prng: Prng;
  readonly #sequential: boolean;
  readonly #readDraw: OffsetDraw;
  readonly #writeDraw: OffsetDraw;
  readonly #permutation: Permutation | null;
  readonly #blockBytes: number;
  readonly #blocks: number;
  readonly #test: CopyTestDraw | null;
  #position = 0;
  #passDone = 0;
  #runLeft = 0;
  #issued = 0;
  #drawn = 0;

  constructor(job: JobSpec, limits: WorkloadLimits, seed: number, stream: number) {
    this.#job = job;
    this.#limits = limits;
    this.#prng = new Prng(seed, stream);
    this.#test = job.copyTest === undefined ? null : new CopyTestDraw(job.copyTest, seed);
    this.#sequential = job.rw === "read" || job.rw === "write" || job.rw === "rw" || job.rw === "copy";
    this.#blockBytes = alignmentBytes(job);
    const blocks = Math.max(1, Math.floor(limits.extentBytes / this.#blockBytes));
    this.#blocks = blocks;
    this.#readDraw = new OffsetDraw(job.distribution.read, blocks, this.#blockBytes, seed);
    this.#writeDraw = new OffsetDraw(job.distribution.write, blocks, this.#blockBytes, seed);
    const mapped = !this.#sequential && !job.norandommap && isUniform(job) && fixedBytes(job) > 0;
    this.#permutation = mapped ? new Permutation(blocks, seed ^ (stream * 0x9e3779b1)) : null;
  }

  get issued(): number {
    return this.#issued;
  }

  /** Advances to the next I/O; false when the clone has nothing more to do. */
  next(): boolean {
    if (this.#issued >= this.#limits.iosMax) return false;
    if (this.#passDone >= this.#limits.passBytes && !this.#nextPass()) return false;
    this.write = this.#drawWrite();
    this.bytes = this.#test === null ? this.#drawBytes() : this.#testBytes(this.#test);
    this.offset = this.#drawOffset();
    const room = this.#limits.extentBytes - this.offset;
    if (this.bytes > room) this.bytes = room;
    this.#passDone += this.bytes;
    this.io = this.#issued;
    this.#issued += 1;
    return true;
  }

  #nextPass(): boolean {
    if (!this.#limits.endless && this.pass + 1 >= this.#limits.loops) return false;
    this.pass += 1;
    this.#passDone = 0;
    this.#drawn = 0;
    if (this.#sequential) this.#position = 0;
    return true;
  }

  #drawWrite(): boolean {
    const rw = this.#job.rw;
    if (rw === "read" || rw === "randread") return false;
    if (rw === "write" || rw === "randwrite") return true;
    if (rw === "copy") return false;
    return this.#prng.unit() * 100 >= this.#job.rwmixread;
  }

  #drawBytes(): number {
    const shares = this.write ? this.#job.blockSizes.write : this.#job.blockSizes.read;
    const share = shares.length === 1 ? (shares[0] as BlockSizeShare) : this.#pickShare(shares);
    if (share.bytesMin === share.bytesMax) return share.bytesMin;
    const step = share.bytesMin % 512 === 0 ? 512 : 1;
    const span = Math.floor((share.bytesMax - share.bytesMin) / step) + 1;
    return share.bytesMin + this.#prng.below(span) * step;
  }

  #testBytes(test: CopyTestDraw): number {
    test.at(this.#issued);
    return test.bytes;
  }

  #pickShare(shares: readonly BlockSizeShare[]): BlockSizeShare {
    let total = 0;
    for (let i = 0; i < shares.length; i += 1) total += (shares[i] as BlockSizeShare).weight;
    let pick = this.#prng.unit() * total;
    for (let i = 0; i < shares.length; i += 1) {
      const share = shares[i] as BlockSizeShare;
      if (pick < share.weight) return share;
      pick -= share.weight;
    }
    return shares[shares.length - 1] as BlockSizeShare;
  }

  #drawOffset(): number {
    if (this.#sequential || this.#runLeft > 0 || this.#staysSequential()) return this.#nextPosition();
    const at = this.#drawBlock() * this.#blockBytes;
    const fits = Math.max(0, Math.min(at, this.#limits.extentBytes - this.bytes));
    const aligned = Math.floor(fits / this.#blockBytes) * this.#blockBytes;
    this.#runLeft = this.#job.sequentialRun - 1;
    this.#position = aligned + this.bytes;
    return aligned;
  }

  /** `percentage_random`: some offsets of a random job follow the last one. */
  #staysSequential(): boolean {
    const percent = this.write ? this.#job.randomPercent.write : this.#job.randomPercent.read;
    return percent < 100 && this.#prng.unit() * 100 >= percent;
  }

  #nextPosition(): number {
    if (this.#runLeft > 0) this.#runLeft -= 1;
    const extent = this.#limits.extentBytes;
    if (this.#position < 0) this.#position = Math.max(0, extent - this.bytes);
    if (this.#position + this.bytes > extent) this.#position = 0;
    const at = this.#position;
    this.#position = at + this.bytes + (this.#sequential ? this.#job.sequentialGapBytes : 0);
    return at;
  }

  #drawBlock(): number {
    if (this.#permutation === null) return (this.write ? this.#writeDraw : this.#readDraw).draw(this.#prng);
    const index = this.#drawn;
    this.#drawn = index + 1 === this.#blocks ? 0 : index + 1;
    return this.#permutation.at(index);
  }
}

/** Random offsets are multiples of blockalign, which defaults to the smallest block size. */
function alignmentBytes(job: JobSpec): number {
  const align = Math.min(job.blockAlignBytes.read, job.blockAlignBytes.write);
  if (align > 0) return align;
  return smallestBytes(job);
}

function smallestBytes(job: JobSpec): number {
  let least = Number.POSITIVE_INFINITY;
  for (const share of [...job.blockSizes.read, ...job.blockSizes.write]) least = Math.min(least, share.bytesMin);
  return least;
}

function fixedBytes(job: JobSpec): number {
  const [first] = job.blockSizes.read;
  if (first === undefined) return 0;
  const all = [...job.blockSizes.read, ...job.blockSizes.write];
  return all.every((s) => s.bytesMin === first.bytesMin && s.bytesMax === first.bytesMin) ? first.bytesMin : 0;
}

function isUniform(job: JobSpec): boolean {
  return job.distribution.read.kind === "random" && job.distribution.write.kind === "random";
}

/** Largest I/O a job can issue. */
export function largestBytes(job: JobSpec): number {
  let most = 0;
  for (const share of [...job.blockSizes.read, ...job.blockSizes.write]) most = Math.max(most, share.bytesMax);
  return most;
}
