/** Cases of the area `trace`: the text of kernel trace events. It lies above the other adapters because trace does. */
import { DIR } from "../host/dma/device.ts";
import { attrsOf, dirOf } from "../sim/check/attributes.ts";
import { type Fields, type Given, Unsupported } from "../sim/check/given.ts";
import type { OpTable } from "../sim/check/runner.ts";
import {
  type BounceEvent,
  type DomainEvent,
  formatTraceEvent,
  type IommuDeviceEvent,
  type ListEvent,
  type RangeEvent,
  type TraceEvent,
} from "./format.ts";

/** Adapters of the area. */
export const TRACE_OPS: OpTable = { format_trace_event: formatEvent };

const DEVICE = "0000:01:00.0";
const PAGE_BYTES = 4096;
const RANGE =
  /^dma_(map|unmap)_(phys|page|resource)$|^dma_(alloc|free)(_pages)?$|^dma_alloc_sgt_err$|^dma_sync_single_for_(cpu|device)$/;
const LIST = /^dma_(map_sg|map_sg_err|unmap_sg|alloc_sgt|free_sgt)$|^dma_sync_sg_for_(cpu|device)$/;
const IOMMU_DEVICE =
  /^(io_page_fault|add_device_to_group|remove_device_from_group|(attach|detach)_device_(to|from)_domain)$/;

/** A case may expect the whole text, or a fragment of it. */
function formatEvent(given: Given, _state: unknown, expect: Fields): Fields {
  const text = formatTraceEvent(eventOf(given));
  const wanted = expect.fragment;
  return { text, fragment: typeof wanted === "string" && text.includes(wanted) ? wanted : text };
}

function eventOf(given: Given): TraceEvent {
  const event = given.text("event");
  if (event === "swiotlb_bounced") return bounceOf(given);
  if (event === "map" || event === "unmap") return domainOf(given, event);
  if (RANGE.test(event)) return rangeOf(given, event as RangeEvent["event"]);
  if (LIST.test(event)) return listOf(given, event as ListEvent["event"]);
  if (IOMMU_DEVICE.test(event)) return iommuDeviceOf(given, event as IommuDeviceEvent["event"]);
  throw new Unsupported(`event ${event}`);
}

function rangeOf(given: Given, event: RangeEvent["event"]): RangeEvent {
  return {
    event,
    dev: given.text("dev", DEVICE),
    dir: dirOf(given, DIR.bidirectional),
    dmaAddr: given.address("dma", given.address("dma_addr", 0)),
    bytes: given.number("size", 0),
    phys: given.address("phys", given.address("phys_addr", 0)),
    virt: given.text("virt", given.text("virt_addr", "0".repeat(16))),
    gfp: gfpOf(given),
    attrs: attrsOf(given),
  };
}

/** Lists as given; where only counts are, that many pages stand for them. */
function listOf(given: Given, event: ListEvent["event"]): ListEvent {
  const phys = given.addresses("phys", pages(given.count("nents", 0)));
  const dma = given.addresses("dma", pages(given.count("ents", 0)));
  return {
    event,
    dev: given.text("dev", DEVICE),
    dir: dirOf(given, DIR.bidirectional),
    physAddrs: filled(phys, given.count("nents", phys.length)),
    dmaAddrs: filled(dma, given.count("ents", dma.length)),
    lengths: given.numbers(
      "len",
      given.numbers(
        "sizes",
        dma.map(() => PAGE_BYTES),
      ),
    ),
    attrs: attrsOf(given),
    err: given.number("err", 0),
    bytes: given.number("size", 0),
    gfp: gfpOf(given),
  };
}

function pages(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i * PAGE_BYTES);
}

/** A list of `count` addresses that begins with the given ones. */
function filled(addrs: readonly number[], count: number): number[] {
  return [...addrs, ...pages(Math.max(count - addrs.length, 0))];
}

function bounceOf(given: Given): BounceEvent {
  return {
    event: "swiotlb_bounced",
    dev: given.text("dev", DEVICE),
    mask: given.address("mask", 0),
    addr: given.address("dev_addr", 0),
    bytes: given.number("size", 0),
    forced: given.flag("force"),
  };
}

function domainOf(given: Given, event: DomainEvent["event"]): DomainEvent {
  const bytes = given.number("size", 0);
  return {
    event,
    iova: given.address("iova", given.address("dma", 0)),
    bytes,
    phys: given.address("paddr", given.address("phys", 0)),
    unmappedBytes: given.number("unmapped_size", bytes),
  };
}

function iommuDeviceOf(given: Given, event: IommuDeviceEvent["event"]): IommuDeviceEvent {
  return {
    event,
    dev: given.text("dev", given.text("device", DEVICE)),
    driver: given.text("driver", ""),
    group: given.number("group", given.number("groupID", given.number("group_id", 0))),
    iova: given.address("iova", 0),
    flags: given.number("flags", 0),
  };
}

/** GFP flags as text; a list is joined as the kernel joins names. */
function gfpOf(given: Given): string {
  const field = given.has("gfp") ? "gfp" : "flags";
  return given.list(field, []).map(String).join("|");
}
