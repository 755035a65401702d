/**
 * Which bytes of which medium a job's file names mean: fio's `filename`, `directory`, `size`, `offset`.
 *
 * Files are laid out one after the other on the machine's default block device, in the order in
 * which the profile first names them; a block device's name means the whole device.
 */
import { alignUpWide } from "../../base/addr.ts";
import { DmasimError } from "../../base/errors.ts";
import type { Device, Machine } from "../machine/description.ts";
import type { JobSpec } from "../profile/job.ts";
import { largestBytes } from "./workload.ts";

/** A file or a whole device: bytes [start, start + bytes) of the device's medium. */
export interface Extent {
  readonly device: number;
  readonly start: number;
  readonly bytes: number;
}

const EXTENT_ALIGN = 2 ** 20;
/** Size of a stream (wire, GPU, capture) when the job gives none. */
const STREAM_BYTES = 2 ** 30;

/** Resolves names to extents; one object per run, so that equal names mean the same file. */
export class ExtentMap {
  readonly #machine: Machine;
  readonly #files = new Map<string, Extent>();
  readonly #nextFree = new Map<number, number>();

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** Extent that clone `clone` of the job works on. */
  resolve(job: JobSpec, clone: number): Extent {
    const name = job.filenames[clone % Math.max(1, job.filenames.length)];
    const device = this.#deviceOf(job, name);
    const medium = (this.#machine.devices[device] as Device).medium;
    // Without a block medium there are no files to share: every clone has a stream of its own.
    if (medium?.kind !== "block")
      return this.#window(job, clone, { device, start: 0, bytes: job.sizeBytes ?? STREAM_BYTES });
    const total = medium.bytes;
    const whole = name === undefined ? job.device !== null && job.sizeBytes === null : name.startsWith("/dev/");
    const base = whole ? { device, start: 0, bytes: total } : this.#file(job, device, name, clone, total);
    return this.#window(job, clone, base);
  }

  #deviceOf(job: JobSpec, name: string | undefined): number {
    const node = name === undefined ? null : /^\/dev\/([a-z]+\d+)(n\d+(p\d+)?)?$/.exec(name);
    const wanted = job.device ?? (node !== null && this.#indexOf(node[1] as string) >= 0 ? (node[1] as string) : null);
    const chosen = wanted ?? this.#machine.defaultBlockDevice;
    const index = chosen === null ? -1 : this.#indexOf(chosen);
    if (index >= 0) return index;
    throw new DmasimError({
      code: "DMASIM_UNKNOWN_DEVICE",
      what: `job ${job.name} needs a device that machine ${this.#machine.name} does not have`,
      value: chosen ?? "no default block device",
      limit: `devices: ${this.#machine.devices.map((device) => device.name).join(", ")}`,
      remedy: "name one of them in `device`, or choose another machine",
      at: job.at,
    });
  }

  #indexOf(name: string): number {
    return this.#machine.devices.findIndex((device) => device.name === name);
  }

  #file(job: JobSpec, device: number, name: string | undefined, clone: number, total: number): Extent {
    const path = (name ?? `${job.name}.${clone}.0`).replaceAll("$jobnum", String(clone));
    const key = `${job.directory ?? ""}/${path}`;
    const known = this.#files.get(key);
    if (known !== undefined) return known;
    const bytes = job.sizeBytes ?? Math.floor((total * (job.sizePercent ?? 100)) / 100);
    const start = this.#nextFree.get(device) ?? 0;
    const extent = { device, start, bytes: alignUpWide(bytes, 4096) };
    if (start + bytes > total) throw tooLarge(job, this.#machine, device, start + bytes, total);
    this.#files.set(key, extent);
    this.#nextFree.set(device, alignUpWide(start + bytes, EXTENT_ALIGN));
    return extent;
  }

  /** `offset`, `offset_increment` and `size` cut a window out of the file or device. */
  #window(job: JobSpec, clone: number, file: Extent): Extent {
    const block = largestBytes(job);
    const percentOf = (percent: number | null): number =>
      percent === null ? 0 : alignUpWide((file.bytes * percent) / 100, 512);
    const step = job.offsetIncrementBytes + percentOf(job.offsetIncrementPercent);
    const offset = job.offsetBytes + percentOf(job.offsetPercent) + step * clone;
    const rest = file.bytes - offset;
    const bytes = Math.min(rest, job.sizeBytes ?? Math.floor((file.bytes * (job.sizePercent ?? 100)) / 100));
    if (offset >= 0 && bytes >= block) return { device: file.device, start: file.start + offset, bytes };
    throw new DmasimError({
      code: "DMASIM_EXTENT_EMPTY",
      what: `job ${job.name} has no room for one I/O of ${block} bytes`,
      value: `offset ${offset}, ${Math.max(0, bytes)} bytes left`,
      limit: `the file has ${file.bytes} bytes`,
      remedy: "lower offset or bs, or raise size",
      at: job.at,
    });
  }
}

function tooLarge(job: JobSpec, machine: Machine, device: number, needed: number, total: number): DmasimError {
  return new DmasimError({
    code: "DMASIM_MEDIUM_FULL",
    what: `the files of the profile do not fit device ${(machine.devices[device] as Device).name}`,
    value: `${needed} bytes with job ${job.name}`,
    limit: `the medium has ${total} bytes`,
    remedy: "lower size or numjobs, or give the device a larger medium",
    at: job.at,
  });
}
