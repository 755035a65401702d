/**
 * Device-side translation on one thread: `device/translate`, and the access object that engines use.
 *
 * Measured: hits on a working set that fits the IOTLB; misses with walk and fill on one that never does (least recently
 * used, in order); accesses that stay in one page, as engines make them. Baseline: a hit in a JavaScript Map from page to page.
 * Not measured: what a miss costs in virtual time, contention for entries.
 */
import { defined } from "../../src/base/assert.ts";
import { makeTranslation, translate } from "../../src/device/translate.ts";
import { DIR, type DmaDomain } from "../../src/host/dma/device.ts";
import { mapPhys, unmapPhys } from "../../src/host/dma/map.ts";
import { DMA_STATUS } from "../../src/shm/dma_status.ts";
import { type BenchGroup, type BenchSuite, timed } from "../case.ts";
import { MapRig } from "../map_rig.ts";

const PAGE_BYTES = 4096;
const HIT_PAGES = 64;
const OPS = 8192;
const STEP_BYTES = 64;

function* groups(): Generator<BenchGroup> {
  yield new TranslateGroup().group();
}

class TranslateGroup {
  readonly #rig = new MapRig();
  readonly #device = this.#rig.device("nvme0");
  readonly #domain = this.#device.domain as DmaDomain;
  readonly #access = this.#rig.system.accessOf(this.#rig.arena, this.#device.index);
  readonly #out = makeTranslation();
  readonly #pages = this.#missPages();
  /** IOVA of every page; they are mapped one by one, so that no large page joins them. */
  readonly #iova: Float64Array;
  readonly #map = new Map<number, number>();
  #wrong: string | null = null;

  constructor() {
    this.#iova = Float64Array.from({ length: this.#pages }, (_, i) =>
      mapPhys(this.#rig.ctx, this.#device, this.#rig.ram + i * PAGE_BYTES, PAGE_BYTES, DIR.toDevice, 0),
    );
    for (const [i, iova] of this.#iova.entries()) this.#map.set(iova / PAGE_BYTES, this.#rig.ram + i * PAGE_BYTES);
  }

  group(): BenchGroup {
    const baseline = "Map from page to page";
    return {
      title: "one access",
      cases: [
        { name: baseline, sample: () => timed(OPS, () => this.#lookUp()) },
        { name: "IOTLB hit", baseline, sample: () => timed(OPS, () => this.#translate(HIT_PAGES)) },
        {
          name: "IOTLB miss, four-level walk and fill",
          baseline,
          sample: () => timed(OPS, () => this.#translate(this.#pages)),
        },
        { name: "engine's access inside one page", baseline, sample: () => timed(OPS, () => this.#stay()) },
      ],
      check: () => this.#check(),
    };
  }

  #lookUp(): void {
    let page = 0;
    for (let i = 0; i < OPS; i += 1) {
      const phys = this.#map.get(Math.floor((this.#iova[page] as number) / PAGE_BYTES));
      if (phys !== this.#rig.ram + page * PAGE_BYTES) this.#wrong = `page ${page} is not at ${phys}`;
      page = page + 1 === HIT_PAGES ? 0 : page + 1;
    }
  }

  #translate(pages: number): void {
    const { arena, system, ram } = this.#rig;
    const { unit, index } = this.#domain;
    let page = 0;
    for (let i = 0; i < OPS; i += 1) {
      const status = translate(arena, unit, index, system.format, this.#iova[page] as number, false, this.#out);
      if (status !== DMA_STATUS.ok || this.#out.phys !== ram + page * PAGE_BYTES)
        this.#wrong = `page ${page} is not at ${this.#out.phys}`;
      page = page + 1 === pages ? 0 : page + 1;
    }
  }

  /** Addresses 64 bytes apart: 64 accesses to a page, then the next. */
  #stay(): void {
    const { ram } = this.#rig;
    const perPage = PAGE_BYTES / STEP_BYTES;
    for (let i = 0; i < OPS; i += 1) {
      const page = Math.floor(i / perPage) & (HIT_PAGES - 1);
      const offset = (i & (perPage - 1)) * STEP_BYTES;
      const status = this.#access.resolve((this.#iova[page] as number) + offset, STEP_BYTES, false);
      if (status !== DMA_STATUS.ok || this.#access.phys !== ram + page * PAGE_BYTES + offset)
        this.#wrong = `page ${page} is not at ${this.#access.phys}`;
    }
  }

  #check(): string | null {
    for (const iova of this.#iova) unmapPhys(this.#rig.ctx, this.#device, iova, PAGE_BYTES, DIR.toDevice, 0);
    return this.#wrong ?? this.#rig.check();
  }

  /** Twice as many as the IOTLB has entries. */
  #missPages(): number {
    const unit = defined(this.#rig.system.machine.iommu.units[this.#domain.unit], "the domain's unit");
    return unit.iotlbEntries * 2;
  }
}

export const TRANSLATE: BenchSuite = { name: "translate", title: "device-side translation", groups };
