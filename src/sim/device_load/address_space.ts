/**
 * The addresses of a device-initiated load: physical ones, or IOVAs of a window that the production mapping code mapped.
 */
import { DmasimError } from "../../base/errors.ts";
import type { DeviceAccess } from "../../device/access.ts";
import { DIR, type DmaDevice } from "../../host/dma/device.ts";

import { mapPhys } from "../../host/dma/map.ts";
import { Arena } from "../../shm/arena.ts";
import { DMA_STATUS } from "../../shm/dma_status.ts";
import type { TranslationUnit } from "../../timing/fabric/translation_unit.ts";
import { MAIN_OWNER, makeHostContext } from "../host_ports.ts";
import { initSystem, type System } from "../system.ts";

/** Says how long an address takes to translate. */
export interface AddressSpace {
  /** Time from `nowPs` until offset `addr` of the window is translated; `own` = the transfer looked up this page before. */
  translatePs(nowPs: number, addr: number, write: boolean, own: boolean): number;
}

/** Untranslated addresses. */
export const PHYSICAL_ADDRESSES: AddressSpace = { translatePs: () => 0 };

/** A window of physically contiguous memory, mapped once through the IOMMU of a machine. */
export class MappedWindow implements AddressSpace {
  readonly #access: DeviceAccess;
  readonly #unit: TranslationUnit;
  readonly #base: number;

  constructor(system: System, bytes: number, unit: TranslationUnit) {
    const arena = Arena.create();
    initSystem(arena, system);
    const ctx = makeHostContext(arena, system, MAIN_OWNER, { copy: () => true, fill: () => true });
    const device = system.devices[0] as DmaDevice;
    const ram = system.machine.memory[system.machine.memory.length - 1];
    const iova = mapPhys(ctx, device, ram?.start ?? 0, bytes, DIR.bidirectional, 0);
    if (iova < 0) throw windowTooLarge(bytes);
    this.#base = iova;
    this.#access = system.accessOf(arena, 0);
    this.#unit = unit;
  }

  translatePs(nowPs: number, addr: number, write: boolean, own: boolean): number {
    const access = this.#access;
    const status = access.resolve(this.#base + addr, 1, write);
    if (status !== DMA_STATUS.ok) return 0;
    return this.#unit.translated(nowPs, 0, this.#base + addr, access.slot, access.walkLevels, write, own) - nowPs;
  }
}

function windowTooLarge(bytes: number): DmasimError {
  return new DmasimError({
    code: "DMASIM_WINDOW_TOO_LARGE",
    what: "the window of a device-initiated load cannot be mapped",
    value: bytes,
    limit: "page tables of the arena",
    remedy: "use a smaller window or larger pages",
  });
}
