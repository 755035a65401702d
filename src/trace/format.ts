/**
 * The text of kernel trace events, as ftrace prints it behind `EVENT: ` (include/trace/events/dma.h, swiotlb.h, iommu.h).
 *
 * Scalars are hexadecimal without `0x`, elements of lists with it; lists stop at 128 entries. Since 7.0 the map events
 * carry the name `phys` where older kernels say `page` and `resource`; the text is the same.
 */
import { DMA_MAPPING_ERROR } from "../base/addr.ts";
import { attrText } from "../host/dma/attr_names.ts";
import { DIR_NAMES } from "../host/dma/device.ts";

/** Entries of a list that an event carries (DMA_TRACE_MAX_ENTRIES). */
export const TRACE_ENTRIES_MAX = 128;

/** One range of a device: mapping, unmapping, allocation, release or sync of it. */
export interface RangeEvent {
  readonly event:
    | "dma_map_phys"
    | "dma_map_page"
    | "dma_map_resource"
    | "dma_unmap_phys"
    | "dma_unmap_page"
    | "dma_unmap_resource"
    | "dma_alloc"
    | "dma_alloc_pages"
    | "dma_alloc_sgt_err"
    | "dma_free"
    | "dma_free_pages"
    | "dma_sync_single_for_cpu"
    | "dma_sync_single_for_device";
  readonly dev: string;
  /** DIR. */
  readonly dir: number;
  readonly dmaAddr: number;
  readonly bytes: number;
  /** Of maps. */
  readonly phys?: number;
  /** Of allocations and releases: the kernel's (hashed) pointer as it is printed. */
  readonly virt?: string;
  /** Of allocations: GFP flags as they are printed. */
  readonly gfp?: string;
  /** ATTR bits. */
  readonly attrs: number;
}

/** A list of a device. Lists may be longer than {@link TRACE_ENTRIES_MAX}. */
export interface ListEvent {
  readonly event:
    | "dma_map_sg"
    | "dma_map_sg_err"
    | "dma_unmap_sg"
    | "dma_sync_sg_for_cpu"
    | "dma_sync_sg_for_device"
    | "dma_alloc_sgt"
    | "dma_free_sgt";
  readonly dev: string;
  readonly dir: number;
  readonly physAddrs: readonly number[];
  readonly dmaAddrs: readonly number[];
  readonly lengths: readonly number[];
  readonly attrs: number;
  /** Of dma_map_sg_err. */
  readonly err?: number;
  /** Of dma_alloc_sgt and dma_free_sgt. */
  readonly bytes?: number;
  readonly gfp?: string;
}

/** A bounce: the address that the device cannot use. */
export interface BounceEvent {
  readonly event: "swiotlb_bounced";
  readonly dev: string;
  /** 0 when the device has none. */
  readonly mask: number;
  readonly addr: number;
  readonly bytes: number;
  readonly forced: boolean;
}

/** What the IOMMU core does to a domain. */
export interface DomainEvent {
  readonly event: "map" | "unmap";
  readonly iova: number;
  readonly bytes: number;
  /** Of map. */
  readonly phys: number;
  /** Of unmap. */
  readonly unmappedBytes: number;
}

/** A device and its group, domain or fault. */
export interface IommuDeviceEvent {
  readonly event:
    | "io_page_fault"
    | "add_device_to_group"
    | "remove_device_from_group"
    | "attach_device_to_domain"
    | "detach_device_from_domain";
  readonly dev: string;
  readonly driver?: string;
  readonly group?: number;
  readonly iova?: number;
  readonly flags?: number;
}

/** Every event that has a text here. */
export type TraceEvent = RangeEvent | ListEvent | BounceEvent | DomainEvent | IommuDeviceEvent;

/** `EVENT: TEXT`. */
export function formatTraceEvent(event: TraceEvent): string {
  return `${event.event}: ${textOf(event)}`;
}

function textOf(event: TraceEvent): string {
  switch (event.event) {
    case "swiotlb_bounced":
      return bounceText(event);
    case "map":
    case "unmap":
      return domainText(event);
    case "io_page_fault":
    case "add_device_to_group":
    case "remove_device_from_group":
    case "attach_device_to_domain":
    case "detach_device_from_domain":
      return iommuDeviceText(event);
    case "dma_map_sg":
    case "dma_map_sg_err":
    case "dma_unmap_sg":
    case "dma_sync_sg_for_cpu":
    case "dma_sync_sg_for_device":
    case "dma_alloc_sgt":
    case "dma_free_sgt":
      return `${event.dev} dir=${dirText(event.dir)} ${listText(event)}`;
    default:
      return rangeText(event);
  }
}

function rangeText(event: RangeEvent): string {
  const head = `${event.dev} dir=${dirText(event.dir)} dma_addr=${digits(event.dmaAddr)} size=${event.bytes}`;
  const attrs = `attrs=${attrText(event.attrs)}`;
  if (event.event.startsWith("dma_map")) return `${head} phys_addr=${digits(event.phys ?? 0)} ${attrs}`;
  if (event.event.startsWith("dma_unmap")) return `${head} ${attrs}`;
  if (event.event.startsWith("dma_sync")) return head;
  const virt = `virt_addr=${event.virt ?? "0".repeat(16)}`;
  return event.event.startsWith("dma_free")
    ? `${head} ${virt} ${attrs}`
    : `${head} ${virt} flags=${event.gfp ?? ""} ${attrs}`;
}

function listText(event: ListEvent): string {
  const { physAddrs, dmaAddrs, lengths } = event;
  const attrs = `attrs=${attrText(event.attrs)}`;
  const dma = `dma_addrs=${listOf(dmaAddrs)}`;
  const phys = `phys_addrs=${listOf(physAddrs)}`;
  switch (event.event) {
    case "dma_map_sg": {
      const counts = `nents=${countText(physAddrs.length)} ents=${countText(dmaAddrs.length)}`;
      const cut = Math.max(physAddrs.length, dmaAddrs.length) > TRACE_ENTRIES_MAX ? " [TRUNCATED]" : "";
      return `${counts}${cut} ${dma} sizes=${listOf(lengths)} ${phys} ${attrs}`;
    }
    case "dma_map_sg_err":
      // The kernel labels these physical addresses dma_addrs.
      return `dma_addrs=${listOf(physAddrs)} err=${event.err ?? 0} ${attrs}`;
    case "dma_unmap_sg":
      return `${phys} ${attrs}`;
    case "dma_alloc_sgt":
      return `dma_addr=${digits(dmaAddrs[0] ?? 0)} size=${event.bytes ?? 0} ${phys} flags=${event.gfp ?? ""} ${attrs}`;
    case "dma_free_sgt":
      return `dma_addr=${digits(dmaAddrs[0] ?? 0)} size=${event.bytes ?? 0} ${phys}`;
    default:
      return `${dma} sizes=${listOf(lengths)}`;
  }
}

function bounceText(event: BounceEvent): string {
  const limits = `dma_mask=${digits(event.mask)} dev_addr=${digits(event.addr)}`;
  return `dev_name: ${event.dev} ${limits} size=${event.bytes} ${event.forced ? "FORCE" : "NORMAL"}`;
}

/** The end of the range is exclusive. */
function domainText(event: DomainEvent): string {
  const range = `IOMMU: iova=${padded(event.iova)} - ${padded(event.iova + event.bytes)}`;
  if (event.event === "map") return `${range} paddr=${padded(event.phys)} size=${event.bytes}`;
  return `${range} size=${event.bytes} unmapped_size=${event.unmappedBytes}`;
}

function iommuDeviceText(event: IommuDeviceEvent): string {
  if (event.event === "io_page_fault") {
    const flags = `0x${(event.flags ?? 0).toString(16).padStart(4, "0")}`;
    return `IOMMU:${event.driver ?? ""} ${event.dev} iova=${padded(event.iova ?? 0)} flags=${flags}`;
  }
  if (event.event.endsWith("group")) return `IOMMU: groupID=${event.group ?? 0} device=${event.dev}`;
  return `IOMMU: device=${event.dev}`;
}

function dirText(dir: number): string {
  return DIR_NAMES[dir] ?? "NONE";
}

function countText(count: number): string {
  return `${Math.min(count, TRACE_ENTRIES_MAX)}/${count}`;
}

function listOf(values: readonly number[]): string {
  return `{${values
    .slice(0, TRACE_ENTRIES_MAX)
    .map((value) => `0x${digits(value)}`)
    .join(",")}}`;
}

/** Hexadecimal digits; the error value, and masks that a Number cannot hold, are all ones of 64 bits. */
function digits(value: number): string {
  return value >= DMA_MAPPING_ERROR ? "f".repeat(16) : value.toString(16);
}

function padded(value: number): string {
  return `0x${digits(value).padStart(16, "0")}`;
}
