/** Memory behind a job's I/O buffers, as the scatterlist that it gives. */
import type { SgShape } from "./job.ts";
import { type OptionSet, optionError } from "./option_set.ts";

const PAGE_BYTES = 4096;
/** fio's FIO_HUGE_PAGE where the page size is 4 KiB. */
const HUGE_PAGE_BYTES = 2 ** 21;

/** User pages lie anywhere, so every page is an entry of its own. */
export const USER_PAGES: SgShape = Object.freeze({
  entryBytes: PAGE_BYTES,
  offsetBytes: 0,
  pagelessShare: 0,
  scatter: true,
});

/**
 * fio aligns its buffers to pages, adds `iomem_align` to the address, and takes them from `mem`: only huge pages are
 * contiguous beyond 4 KiB.
 */
export function resolveBuffers(options: OptionSet): SgShape {
  const align = options.size("iomem_align") ?? 0;
  const shape = {
    ...USER_PAGES,
    offsetBytes: align - Math.floor(align / PAGE_BYTES) * PAGE_BYTES,
  };
  const option = options.get("mem");
  const kind = option?.text.split(":", 1)[0]?.trim() ?? "malloc";
  if (kind === "mmaphuge" || kind === "shmhuge") {
    return {
      ...shape,
      entryBytes: options.size("hugepage-size", PAGE_BYTES) ?? HUGE_PAGE_BYTES,
      scatter: false,
    };
  }
  if (option === undefined || ["malloc", "shm", "mmap", "mmapshared"].includes(kind)) return shape;
  const remedy = "use malloc, or write a YAML profile with target: bar:DEVICE for device memory";
  throw optionError(option, "buffers of this kind are not modelled in a job file", remedy);
}
