/** Cases of the area `dma-iova`: IOVA space first, physical ranges linked into it afterwards. */
import { ADDR_LIMIT, alignDown, pagesSpanned } from "../../base/addr.ts";
import { DIR, type DmaDevice } from "../../host/dma/device.ts";
import { dmaIovaLink, dmaIovaTryAlloc, dmaUseIova } from "../../host/dma/iova_link.ts";
import { DmaIovaState } from "../../host/dma/iova_link_range.ts";
import { granuleBytes } from "../../host/dma/limits.ts";
import { mapPhys } from "../../host/dma/map.ts";
import { attrsOf, dirOf } from "./attributes.ts";
import { errnoOf } from "./entries.ts";
import { geometryOf } from "./geometry.ts";
import type { Fields, Given } from "./given.ts";
import type { OpTable } from "./runner.ts";
import type { CaseState } from "./state.ts";

/** Adapters of the area. */
export const IOVA_LINK_OPS: OpTable = {
  try_alloc: (given, state) => tryAlloc(given, state, deviceOf(given, state)),
  try_alloc_on_dma_direct_device: (given, state) => tryAlloc(given, state, state.device()),
  link,
};

const PHYS = 0x12345000;
const BYTES = 8192;
const POOL_START = 0x4000000;
/** What the kernel's size field carries beside the size once a part is bounced. */
const BOUNCED_BIT = 2 ** 63;

function deviceOf(given: Given, state: CaseState): DmaDevice {
  const untrusted = given.flag("untrusted");
  return state.device({
    domain: state.domain(geometryOf(given)),
    dmaMask: Math.min(given.maskBits(), ADDR_LIMIT - 1),
    coherent: given.flag("coherent", true),
    untrusted,
    pool: untrusted ? state.pool(given.number("pool_start", POOL_START)) : null,
  });
}

/** `fallback` says what a caller does without IOVA space. */
function tryAlloc(given: Given, state: CaseState, device: DmaDevice): Fields {
  const ctx = state.context();
  const iova = new DmaIovaState();
  const [phys, bytes] = [given.number("phys", PHYS), given.number("size", BYTES)];
  const ok = dmaIovaTryAlloc(ctx, device, iova, phys, bytes);
  const granule = device.domain === null ? 0 : granuleBytes(device.domain);
  const mapsAlone = !ok && bytes > 0 && mapPhys(ctx, device, phys, bytes, DIR.toDevice, 0) >= 0;
  return {
    ok,
    use_iova: dmaUseIova(iova),
    iova_pages_requested: ok ? pagesSpanned(iova.addr, iova.bytes, granule) : 0,
    iova_base: ok ? alignDown(iova.addr, granule) : 0,
    state_addr: iova.addr,
    state_size: iova.bytes,
    fallback: mapsAlone ? "dma_map_phys per segment" : null,
  };
}

/** Links one range into space that the case says is allocated. */
function link(given: Given, state: CaseState): Fields {
  const device = deviceOf(given, state);
  const iova = new DmaIovaState();
  const [offset, bytes] = [given.number("offset", 0), given.number("size")];
  iova.addr = given.number("state_addr");
  iova.bytes = given.number("state_size", offset + bytes);
  iova.bounced = given.flag("bounced");
  const dir = dirOf(given, DIR.toDevice);
  const status = dmaIovaLink(state.context(), device, iova, given.number("phys"), offset, bytes, dir, attrsOf(given));
  return {
    ret: errnoOf(status),
    bounced: iova.bounced,
    state_size: iova.bytes + (iova.bounced ? BOUNCED_BIT : 0),
  };
}
