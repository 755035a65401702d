/**
 * Address words and arithmetic.
 *
 * Physical addresses, IOVAs and bus addresses are plain Numbers below 2^52 with a flavour that keeps
 * the spaces apart in the type system. JavaScript's bit operators truncate to 32 bits and `%` costs
 * 20 ns on large Numbers, so no other file applies either to an address: low bits are taken with a
 * mask below 2^31 (exact for every safe integer), high parts by division.
 */

type Flavour<Name> = number & { readonly __space?: Name };

/** CPU physical address, bytes. */
export type Phys = Flavour<"phys">;
/** I/O virtual address translated by an IOMMU unit, bytes. */
export type Iova = Flavour<"iova">;
/** PCI bus address of a BAR, bytes. */
export type Bus = Flavour<"bus">;
/** What a device puts on the bus: an IOVA, a bus address or a physical address, depending on the path. */
export type DmaAddr = Flavour<"dma"> | Phys | Iova | Bus;
/** Physical address divided by the 4 KiB page size. */
export type Pfn = Flavour<"pfn">;

/** First number that is no address: x86 and Arm physical addresses have at most 52 bits. */
export const ADDR_LIMIT = 2 ** 52;
const ADDR_BITS = 52;
/** 2^32: a bit operator sees an address below it, the quotient is the rest. */
const HALF = 2 ** 32;
/** log2 of {@link PAGE_BYTES}. */
export const PAGE_SHIFT = 12;
/** Page of the simulated CPU, bytes; pfns count in it. */
export const PAGE_BYTES = 4096;
/** All ones of dma_addr_t as far as a Number can name it; `DMA_MAPPING_ERROR` of Linux >= 5.0. */
export const DMA_MAPPING_ERROR: DmaAddr = Number.MAX_SAFE_INTEGER;

/** Low bits of `addr` below `size`, a power of two up to 2^31. */
export function lowBits(addr: number, size: number): number {
  return addr & (size - 1);
}

/** `addr` rounded down to a multiple of `size`, a power of two up to 2^31. */
export function alignDown(addr: number, size: number): number {
  return addr - (addr & (size - 1));
}

/** `addr` rounded up to a multiple of `size`, a power of two up to 2^31. */
export function alignUp(addr: number, size: number): number {
  const low = addr & (size - 1);
  return low === 0 ? addr : addr + (size - low);
}

/** Like {@link alignDown} for any power of two below 2^52. */
export function alignDownWide(addr: number, size: number): number {
  return Math.floor(addr / size) * size;
}

/** Like {@link alignUp} for any power of two below 2^52. */
export function alignUpWide(addr: number, size: number): number {
  return Math.ceil(addr / size) * size;
}

/** Page frame number that holds `phys`. */
export function pfnOf(phys: Phys): Pfn {
  return Math.floor(phys / PAGE_BYTES);
}

/** First byte of page frame `pfn`. */
export function pfnToPhys(pfn: Pfn): Phys {
  return pfn * PAGE_BYTES;
}

/** Number of pages of `pageBytes` that [addr, addr + bytes) touches. */
export function pagesSpanned(addr: number, bytes: number, pageBytes: number): number {
  return bytes === 0 ? 0 : Math.ceil((lowBits(addr, pageBytes) + bytes) / pageBytes);
}

/** Smallest power of two that is at least `n` (1 for n <= 1). */
export function roundUpPow2(n: number): number {
  let p = 1;
  while (p < n) p *= 2;
  return p;
}

/** True for 1, 2, 4, ...; false for 0, negatives and fractions. */
export function isPow2(n: number): boolean {
  return n >= 1 && Number.isInteger(n) && roundUpPow2(n) === n;
}

/** Number of zero bits below the lowest set bit of `addr`; 52 for 0, which is a multiple of everything. */
export function trailingZeros(addr: number): number {
  const low = addr | 0;
  if (low !== 0) return 31 - Math.clz32(low & -low);
  const high = (addr / HALF) | 0;
  return high === 0 ? ADDR_BITS : 63 - Math.clz32(high & -high);
}

/** log2 of the largest power of two that is at most `n`, a whole number from 1 on. */
export function floorLog2(n: number): number {
  return n < HALF ? 31 - Math.clz32(n) : 63 - Math.clz32(n / HALF);
}

/** log2 of the smallest naturally aligned power-of-two block that holds both; 0 when they are equal. */
export function blockOrder(first: number, last: number): number {
  const high = (first / HALF) ^ (last / HALF);
  return high !== 0 ? 64 - Math.clz32(high) : 32 - Math.clz32(first ^ last);
}

/** All ones mask of `bits` address bits; saturates at the largest exact Number. */
export function maskOfBits(bits: number): number {
  return bits >= 53 ? Number.MAX_SAFE_INTEGER : 2 ** bits - 1;
}

/** `0x` hexadecimal text of an address. */
export function hex(addr: number): string {
  return `0x${addr.toString(16)}`;
}
