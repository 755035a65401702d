/**
 * When a device serves a command: command issue, medium, link; one object a device function.
 *
 * Owners as in the design: issue rate and medium belong to the function, whatever its queue count;
 * wire bytes to the link, per direction; walks to the IOMMU unit.
 */
import { readWireBytes, requestWireBytes, tlpBytesPerS, writeWireBytes } from "../../pcie/link.ts";
import { PRICE } from "../../timing/constants.ts";
import { RateServer, Server, type ServerStats } from "../../timing/server.ts";
import type { Device, Link } from "../machine/description.ts";

const PS_PER_S = 1e12;
const ON_CHIP: Link = { gen: 5, lanes: 16, mpsBytes: 256, mrrsBytes: 512, rcbBytes: 64 };

/** Servers of one device function; every method takes and returns picoseconds since the epoch. */
export class DeviceModel {
  readonly #issue: Server;
  readonly #issuePs: number;
  readonly #media: Server;
  readonly #readPs: number;
  readonly #writePs: number;
  readonly #readRate: RateServer;
  readonly #writeRate: RateServer;
  readonly #link: Link;
  readonly #up: RateServer;
  readonly #down: RateServer;
  readonly #walkers: Server | null;

  /** `walkers` is the IOMMU unit's server, shared by all devices behind it; null = untranslated. */
  constructor(device: Device, walkers: Server | null) {
    const service = device.service;
    this.#issue = new Server(`${device.name} command issue`, "device");
    this.#issuePs = service.iopsMax > 0 ? Math.round(PS_PER_S / service.iopsMax) : 0;
    this.#media = new Server(`${device.name} media`, "media", Math.max(1, service.parallelism));
    this.#readPs = service.readLatencyNs * 1000;
    this.#writePs = service.writeLatencyNs * 1000;
    this.#readRate = new RateServer(`${device.name} read bandwidth`, "device", service.readBytesPerS);
    this.#writeRate = new RateServer(`${device.name} write bandwidth`, "device", service.writeBytesPerS);
    this.#link = device.link ?? ON_CHIP;
    const rate = tlpBytesPerS(this.#link);
    this.#up = new RateServer(`${device.name} link up`, "link", rate);
    this.#down = new RateServer(`${device.name} link down`, "link", rate);
    this.#walkers = walkers;
  }

  /** Time at which a fetched command that writes memory has its data ready. */
  dataReady(nowPs: number, bytes: number): number {
    const issued = this.#issue.serve(nowPs, this.#issuePs);
    return this.#readRate.serve(this.#media.serve(issued, this.#readPs), bytes);
  }

  /** Time at which a fetched command that reads memory starts its reads. */
  fetchStart(nowPs: number): number {
    return this.#issue.serve(nowPs, this.#issuePs);
  }

  /** Time at which the medium has taken the data of a device read. */
  dataStored(nowPs: number, bytes: number): number {
    return this.#media.serve(this.#writeRate.serve(nowPs, bytes), this.#writePs);
  }

  /** End of a device write of `bytes` bytes whose translations made `walks` walks of `levels` levels in all. */
  writeDone(nowPs: number, bytes: number, walks: number, levels: number): number {
    const wire = this.#up.serve(nowPs, writeWireBytes(bytes, this.#link));
    return Math.max(wire, this.#walked(nowPs, walks, levels)) + PRICE.dmaWritePs;
  }

  /** End of a device read. */
  readDone(nowPs: number, bytes: number, walks: number, levels: number): number {
    this.#up.serve(nowPs, requestWireBytes(bytes, this.#link));
    const wire = this.#down.serve(nowPs, readWireBytes(bytes, this.#link));
    return Math.max(wire, this.#walked(nowPs, walks, levels)) + PRICE.dmaReadRoundTripPs;
  }

  servers(): readonly ServerStats[] {
    return [this.#issue, this.#media, this.#readRate, this.#writeRate, this.#up, this.#down];
  }

  /** Walks overlap as far as the unit has walkers; upper levels mostly hit the walk caches. */
  #walked(nowPs: number, walks: number, levels: number): number {
    if (walks === 0 || this.#walkers === null) return nowPs;
    const servicePs = PRICE.walkReadPs + Math.round((PRICE.walkUpperPs * (levels - walks)) / walks);
    let end = nowPs;
    for (let i = 0; i < walks; i += 1) end = Math.max(end, this.#walkers.serve(nowPs, servicePs));
    return end;
  }
}
