/**
 * A device behind its DMA block: how fast it takes commands, and what its medium takes and gives.
 *
 * One object a function, whatever its queue count; the way to memory is the fabric's.
 */
import { mix32 } from "../../base/prng.ts";
import type { DeviceFunction } from "../../timing/fabric/function.ts";
import type { TranslationUnit } from "../../timing/fabric/translation_unit.ts";
import { RateServer, Server, type ServerStats } from "../../timing/server.ts";
import type { Device } from "../machine/description.ts";

const PS_PER_S = 1e12;
const UINT32 = 2 ** 32;
/** Media latency: this share of it is a tail of exponential length, so that its mean stays (assumed). */
const TAIL_SHARE = 0.1;

/** Servers of one device; every method takes and returns picoseconds since the epoch. */
export class DeviceModel {
  readonly index: number;
  readonly fn: DeviceFunction;
  readonly unit: TranslationUnit | null;
  /** The device has a PCIe link: it fetches commands and writes completions through it. */
  readonly linked: boolean;
  readonly #issue: Server;
  readonly #issuePs: number;
  readonly #media: Server;
  readonly #readPs: number;
  readonly #writePs: number;
  readonly #readRate: RateServer;
  readonly #writeRate: RateServer;

  constructor(device: Device, index: number, fn: DeviceFunction, unit: TranslationUnit | null) {
    const service = device.service;
    this.index = index;
    this.fn = fn;
    this.unit = unit;
    this.linked = device.link !== null;
    this.#issue = new Server(`${device.name} command issue`, "device");
    this.#issuePs = service.iopsMax > 0 ? Math.round(PS_PER_S / service.iopsMax) : 0;
    this.#media = new Server(`${device.name} media`, "media", Math.max(1, service.parallelism));
    this.#readPs = service.readLatencyNs * 1000;
    this.#writePs = service.writeLatencyNs * 1000;
    this.#readRate = new RateServer(`${device.name} read bandwidth`, "device", service.readBytesPerS);
    this.#writeRate = new RateServer(`${device.name} write bandwidth`, "device", service.writeBytesPerS);
  }

  /** Time at which a fetched command that writes memory has its data ready; `key` draws its latency. */
  dataReady(nowPs: number, bytes: number, key: number): number {
    const issuedPs = this.#issue.serve(nowPs, this.#issuePs);
    const readPs = this.#media.serve(issuedPs, drawn(this.#readPs, key));
    const endPs = this.#readRate.serve(readPs, bytes);
    const { log } = this.fn;
    if (log !== null) {
      log.step(this.#issue.name, this.#issue.startPs, issuedPs);
      log.step(this.#media.name, this.#media.startPs, readPs);
      log.step(this.#readRate.name, this.#readRate.startPs, endPs);
    }
    return endPs;
  }

  /** Time at which a fetched command that reads memory starts its reads. */
  fetchStart(nowPs: number): number {
    const endPs = this.#issue.serve(nowPs, this.#issuePs);
    this.fn.log?.step(this.#issue.name, this.#issue.startPs, endPs);
    return endPs;
  }

  /** Time at which the medium has taken the data of a device read; `key` draws its latency. */
  dataStored(nowPs: number, bytes: number, key: number): number {
    const sentPs = this.#writeRate.serve(nowPs, bytes);
    const endPs = this.#media.serve(sentPs, drawn(this.#writePs, key));
    const { log } = this.fn;
    if (log !== null) {
      log.step(this.#writeRate.name, this.#writeRate.startPs, sentPs);
      log.step(this.#media.name, this.#media.startPs, endPs);
    }
    return endPs;
  }

  servers(): readonly ServerStats[] {
    return [this.#issue, this.#media, this.#readRate, this.#writeRate];
  }
}

/**
 * A latency of the given mean. It belongs to the command, not to the order of events: what two variants of a run have in common
 * does not differ by luck.
 */
function drawn(meanPs: number, key: number): number {
  if (meanPs === 0) return 0;
  const tail = -Math.log(1 - mix32(key) / UINT32);
  return Math.round(meanPs * (1 - TAIL_SHARE + TAIL_SHARE * tail));
}
