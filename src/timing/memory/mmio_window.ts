/**
 * CPU loads and stores through a window: a device's BAR, or the window of an endpoint onto the host.
 *
 * Write-combined stores leave as 64 byte memory writes at the rate of the link; loads are non-posted, one round trip for
 * each that the core or bridge can have in flight (GDRCopy; RK3588 endpoint series). Times ns, rates bytes per ns.
 */
import { type LinkShape, tlpBytesPerS, writeWireBytes } from "../../pcie/link.ts";
import type { Constants } from "../calibration/constant.ts";
import { LINE_BYTES } from "./core.ts";
import { kneeMin } from "./knee.ts";

/** Windows as a core of one family meets them. */
export class MmioWindow {
  readonly #lines: number;
  readonly #gpuLoadNs: number;
  readonly #deviceLoadNs: number;
  readonly #outboundLoadNs: number;
  readonly #outboundStores: number;
  readonly #storeBytes: number;
  readonly #storeHoldNs: number;
  readonly #knee: number;

  constructor(constants: Constants, uarch: string) {
    this.#lines = constants.get(`${uarch}.core.lines`);
    this.#gpuLoadNs = constants.get("window.gpu_load_ns");
    this.#deviceLoadNs = constants.get("window.device_load_ns");
    this.#outboundLoadNs = constants.get("window.outbound_load_ns");
    this.#outboundStores = constants.get("window.outbound_stores");
    this.#storeBytes = constants.get("window.store_bytes");
    this.#storeHoldNs = constants.get("host.lfb_to_dram_ns");
    this.#knee = constants.get("core.knee");
  }

  /** Stores into a BAR: whole lines when they combine, else one TLP each; a buffer is held until the uncore has it. */
  storeRate(link: LinkShape, combined: boolean): number {
    const bytes = combined ? LINE_BYTES : this.#storeBytes;
    const wireRate = ((tlpBytesPerS(link) * bytes) / writeWireBytes(bytes, link)) * 1e-9;
    return kneeMin((this.#lines * bytes) / this.#storeHoldNs, wireRate, this.#knee);
  }

  /** Loads from a BAR: as many streaming loads in flight as a core has line buffers. */
  loadRate(gpu: boolean): number {
    return (this.#lines * LINE_BYTES) / (gpu ? this.#gpuLoadNs : this.#deviceLoadNs);
  }

  /** Time to move `bytes` by loads over an outbound window, one in flight. */
  outboundLoadNs(bytes: number): number {
    return Math.ceil(bytes / this.#storeBytes) * this.#outboundLoadNs;
  }

  /** Time to move `bytes` by stores over an outbound window, some of them in flight. */
  outboundStoreNs(bytes: number): number {
    // The last ones are still under way when the CPU goes on.
    const stores = Math.max(1, Math.ceil(bytes / this.#storeBytes) - this.#outboundStores);
    return (stores * this.#outboundLoadNs) / this.#outboundStores;
  }
}
