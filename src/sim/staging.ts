/** Rates of the CPU-staged way between peers: the CPU moves what DMA brought to memory over a BAR, or out of it. */
import type { LinkShape } from "../pcie/link.ts";
import { Constants } from "../timing/calibration/constant.ts";
import { MEMORY_CONSTANTS } from "../timing/calibration/memory.ts";
import { GENERAL_UARCH } from "../timing/calibration/memory_uarch.ts";
import { MmioWindow } from "../timing/memory/mmio_window.ts";
import type { Device, Machine } from "./machine/description.ts";

/** Bytes a nanosecond of one core. */
export interface StagingRates {
  /** Write-combined stores into the BAR. */
  readonly store: number;
  /** Loads from the BAR. */
  readonly load: number;
}

const ON_CHIP: LinkShape = { gen: 6, lanes: 16, mpsBytes: 256, mrrsBytes: 512 };

/** Rates of one core of the machine at the BAR of `provider`. */
export function stagingRates(machine: Machine, provider: Device): StagingRates {
  const constants = new Constants(MEMORY_CONSTANTS);
  const { uarch } = machine.cpus;
  const window = new MmioWindow(constants, constants.has(`${uarch}.core.lines`) ? uarch : GENERAL_UARCH);
  return { store: window.storeRate(provider.link ?? ON_CHIP, true), load: window.loadRate(provider.class === "gpu") };
}
