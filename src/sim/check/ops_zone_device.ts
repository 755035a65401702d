/** Cases of the area `zone-device`: what struct pages cost and which ranges may have them. */
import {
  checkSections,
  checkSubsections,
  memmapBytes,
  SECTION_BYTES,
  STRUCT_PAGE_BYTES,
} from "../../memory/zone_device.ts";
import type { Fields, Given } from "./given.ts";
import type { OpTable } from "./runner.ts";

/** Adapters of the area. */
export const ZONE_DEVICE_OPS: OpTable = {
  memmap_bytes: memmap,
  pre_5_3_section_collision: sectionCollision,
  subsection_check_since_5_3: (given) => ({
    ret: given.tuples("ranges").map(([start = 0, bytes = 0]) => checkSubsections(start, bytes)),
  }),
};

function memmap(given: Given): Fields {
  const deviceBytes = given.number("device_bytes");
  const structPage = given.number("struct_page", STRUCT_PAGE_BYTES);
  const bytes = memmapBytes(deviceBytes, given.number("page_size", 4096), structPage);
  return { memmap_bytes: bytes, percent: (bytes / deviceBytes) * 100 };
}

/** `ram` is one range `[start, end)` or a list of them. */
function sectionCollision(given: Given): Fields {
  const isOne = given.list("ram").every((each) => !Array.isArray(each));
  const ranges = isOne ? [given.addresses("ram")] : given.tuples("ram");
  const ram = ranges.map(([start = 0, end = 0]) => ({ start, end }));
  const section = given.number("section", SECTION_BYTES);
  const found = checkSections(ram, given.number("pmem_start"), given.number("pmem_size"), section);
  return {
    aligned_start: found.alignedStart,
    aligned_size: found.alignedBytes,
    intersects: found.intersects,
    ret: found.ret,
  };
}
