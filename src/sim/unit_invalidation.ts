/**
 * What the units of a machine drop when the host invalidates a range: requests cannot always name it exactly.
 *
 * ```
 * intel-vtd     the smallest naturally aligned power of two of pages; the domain where that exceeds the largest mask
 * amd-vi        the same block, up to everything
 * smmuv3        the range (range commands)
 * virtio-iommu  the range (the hypervisor knows what was unmapped)
 * ```
 * Wider requests drop translations that nobody unmapped, of the same domain.
 */
import { alignDownWide, blockOrder, PAGE_SHIFT } from "../base/addr.ts";
import { invalidateDomain, invalidatePages } from "../device/invalidate.ts";
import type { InvalidationPort } from "../host/context.ts";
import { pageBytes } from "../pagetable/page_size.ts";
import { ADDRESS_MASK_MAX } from "../pagetable/vtd_invalidate.ts";
import type { Arena } from "../shm/arena.ts";
import type { IommuDescription } from "./machine/description.ts";

/** Applies invalidations to the units' IOTLBs at once; host code has already put them into the cost record. */
export class UnitInvalidation implements InvalidationPort {
  readonly #arena: Arena;
  readonly #takesBlocks: boolean;
  /** log2 bytes of the largest block. */
  readonly #orderMax: number;

  constructor(arena: Arena, kind: IommuDescription["kind"]) {
    this.#arena = arena;
    this.#takesBlocks = kind === "intel-vtd" || kind === "amd-vi";
    this.#orderMax = kind === "intel-vtd" ? ADDRESS_MASK_MAX + PAGE_SHIFT : Number.POSITIVE_INFINITY;
  }

  /** Drops the pages of [iova, iova + bytes), and what shares their block. */
  invalidatePages(unit: number, domain: number, iova: number, bytes: number): void {
    if (!this.#takesBlocks) {
      invalidatePages(this.#arena, unit, domain, iova, bytes);
      return;
    }
    const order = Math.max(PAGE_SHIFT, blockOrder(iova, iova + bytes - 1));
    if (order > this.#orderMax) {
      invalidateDomain(this.#arena, unit, domain);
      return;
    }
    const block = pageBytes(order);
    invalidatePages(this.#arena, unit, domain, alignDownWide(iova, block), block);
  }

  /** Drops everything of the domain. */
  invalidateDomain(unit: number, domain: number): void {
    invalidateDomain(this.#arena, unit, domain);
  }
}
