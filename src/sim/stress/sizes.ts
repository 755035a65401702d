/** Sizes of transfers in buckets whose upper ends include every power of two: eight an octave. */

const SUB_BITS = 3;
const OCTAVES = 27;
/** Buckets for sizes up to 128 MiB. */
export const SIZE_BUCKETS = OCTAVES << SUB_BITS;

/** Bucket of a size of at least one byte: it ends at {@link bucketEnd}, inclusive. */
export function sizeBucket(bytes: number): number {
  const last = (bytes - 1) | 0;
  if (last < 1 << SUB_BITS) return last;
  const octave = 31 - Math.clz32(last);
  return Math.min(SIZE_BUCKETS - 1, (octave << SUB_BITS) + ((last >> (octave - SUB_BITS)) & ((1 << SUB_BITS) - 1)));
}

/** Largest size of a bucket, bytes. */
export function bucketEnd(bucket: number): number {
  const octave = bucket >> SUB_BITS;
  if (octave === 0) return bucket + 1;
  return ((1 << SUB_BITS) + (bucket & ((1 << SUB_BITS) - 1)) + 1) * 2 ** (octave - SUB_BITS);
}

/** Upper end of the bucket that holds the median; 0 = no transfers. */
export function medianSize(sizes: readonly number[]): number {
  const half = sizes.reduce((sum, count) => sum + count, 0) / 2;
  let seen = 0;
  for (const [bucket, count] of sizes.entries()) {
    seen += count;
    if (count > 0 && seen >= half) return bucketEnd(bucket);
  }
  return 0;
}
