/** Invalidations under the virtual clock: they also drop page-structure caches, which only timing models. */
import type { InvalidationPort } from "../../host/context.ts";
import type { Fabric } from "./fabric.ts";

/** Passes requests on to the units' IOTLBs, then to their page-structure caches. */
export class WalkInvalidation implements InvalidationPort {
  /** Set when the fabric exists; nothing is cached before. */
  fabric: Fabric | null = null;
  readonly #units: InvalidationPort;

  constructor(units: InvalidationPort) {
    this.#units = units;
  }

  invalidatePages(unit: number, domain: number, iova: number, bytes: number): void {
    this.#units.invalidatePages(unit, domain, iova, bytes);
    this.fabric?.invalidate(unit, domain, iova, bytes);
  }

  invalidateDomain(unit: number, domain: number): void {
    this.#units.invalidateDomain(unit, domain);
    this.fabric?.invalidate(unit, domain, 0, 0);
  }
}
