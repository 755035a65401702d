/** The invalidation queue of one worker, with a place to look before and behind an invalidation. */
import type { InvalidationPort } from "../../host/context.ts";

/** Passes everything on; a watcher sees the moments around the next page invalidation. */
export class InvalidationProbe implements InvalidationPort {
  readonly #port: InvalidationPort;
  #before: (() => void) | null = null;
  #behind: (() => void) | null = null;

  constructor(port: InvalidationPort) {
    this.#port = port;
  }

  /** Watches until {@link unwatch}. */
  watch(before: () => void, behind: () => void): void {
    this.#before = before;
    this.#behind = behind;
  }

  unwatch(): void {
    this.#before = null;
    this.#behind = null;
  }

  invalidatePages(unit: number, domain: number, iova: number, bytes: number): void {
    this.#before?.();
    this.#port.invalidatePages(unit, domain, iova, bytes);
    this.#behind?.();
  }

  invalidateDomain(unit: number, domain: number): void {
    this.#port.invalidateDomain(unit, domain);
  }
}
