/** What is to be mapped, by which device of which machine: the words of a command line or a case file, resolved. */
import { closestWord } from "../../base/closest.ts";
import { DmasimError } from "../../base/errors.ts";
import type { PagelessPolicy } from "../../host/arch/types.ts";
import { ATTR, type DmaDevice } from "../../host/dma/device.ts";
import type { Machine } from "../machine/description.ts";
import { resolveMachine } from "../machine/load.ts";
import type { Override } from "../override.ts";
import { System } from "../system.ts";
import { archRows } from "./arch_rows.ts";
import { DEFAULT_MAP_DIR, DEFAULT_MAP_MACHINE } from "./defaults.ts";
import { parseEntries } from "./entries.ts";
import type { MapEntry } from "./entry.ts";
import { type LimitWords, withLimits } from "./limits.ts";
import { POLICY_KEY, parsePolicy } from "./pageless_policy.ts";
import { type Importer, parseImporter, resolvePrivate } from "./private_pages.ts";
import type { MapCall } from "./view.ts";
import { parseAttrs, parseDir } from "./words.ts";

/** A request as it is written; absent keys have defaults. */
export interface MapWords extends LimitWords {
  readonly entries: readonly string[];
  readonly machine?: string | undefined;
  readonly dev?: string | undefined;
  readonly dir?: string | undefined;
  readonly attr?: string | undefined;
  /** True: dma_map_resource for every entry, not dma_map_sg for the list. */
  readonly resource?: boolean | undefined;
  /** What the driver does with private device memory; absent = what its machine says (memory.importer). */
  readonly importer?: string | undefined;
  readonly arch?: string | undefined;
  readonly era?: string | undefined;
  readonly defects?: string | undefined;
  readonly set?: readonly Override[] | undefined;
}

/** A request that can be run. */
export interface MapRequest {
  readonly system: System;
  /** With the request's limits. */
  readonly device: DmaDevice;
  readonly deviceName: string;
  /** DIR. */
  readonly dir: number;
  /** ATTR bits, and their names. */
  readonly attrs: number;
  readonly attrNames: readonly string[];
  readonly entries: readonly MapEntry[];
  readonly call: MapCall;
  /** An architecture's name, `all`, or null for the machine's own path. */
  readonly arch: string | null;
  /** Answer of an IOMMU with a coherence index to an entry without a struct page. */
  readonly pagelessPolicy: PagelessPolicy;
}

/** Resolves every word. Throws one DmasimError for the first that is wrong. */
export function resolveMapRequest(words: MapWords): MapRequest {
  const dir = parseDir(words.dir ?? DEFAULT_MAP_DIR);
  const attrs = parseAttrs(words.attr ?? "");
  const call = words.resource === true ? "dma_map_resource" : "dma_map_sg";
  const machine = resolveMachine(words.machine ?? DEFAULT_MAP_MACHINE, overridesOf(words));
  const pagelessPolicy = parsePolicy(words.set ?? []);
  const system = new System(machine);
  const index = deviceIndex(machine, words.dev);
  const device = withLimits(system.devices[index] as DmaDevice, words);
  const importer: Importer | null = words.importer === undefined ? null : parseImporter(words.importer);
  const entries = resolvePrivate(system, device, parseEntries(system, words.entries), importer);
  const arch = words.arch ?? null;
  if (arch !== null) archRows(arch);
  if (call === "dma_map_resource" && (arch !== null || machine.era === "4.1")) throw noSuchCall();
  const deviceName = machine.devices[index]?.name ?? device.name;
  return {
    system,
    device,
    deviceName,
    dir,
    attrs: call === "dma_map_resource" ? attrs.bits | ATTR.mmio : attrs.bits,
    attrNames: attrs.names,
    entries,
    call,
    arch,
    pagelessPolicy,
  };
}

function noSuchCall(): DmasimError {
  return new DmasimError({
    code: "DMASIM_FLAG_CONFLICT",
    what: "Linux 4.1 has no dma_map_resource",
    value: "--resource",
    limit: "kernel.era 6.1 or later, without --arch",
    remedy: "leave --resource out, or take --era 6.12",
  });
}

/** `--era` and `--defects` are short for keys of the machine; a `--set` of the same key wins. */
function overridesOf({ era, defects, set }: MapWords): readonly Override[] {
  const own: Override[] = [];
  if (era !== undefined) own.push({ path: "kernel.era", value: JSON.stringify(era) });
  if (defects !== undefined) own.push({ path: "kernel.defects", value: JSON.stringify(defects) });
  return [...own, ...(set ?? []).filter(({ path }) => path !== POLICY_KEY)];
}

/** The named device, else the default block device, else the first. */
function deviceIndex(machine: Machine, name: string | undefined): number {
  const wanted = name ?? machine.defaultBlockDevice ?? machine.devices[0]?.name ?? "";
  const index = machine.devices.findIndex((device) => device.name === wanted || device.bdf === wanted);
  if (index >= 0) return index;
  const known = machine.devices.map((device) => device.name);
  const closest = closestWord(wanted, known);
  throw new DmasimError({
    code: "DMASIM_DEVICE_UNKNOWN",
    what: `machine ${machine.name} has no device of this name`,
    value: wanted,
    limit: known.length === 0 ? "it has none" : `it has ${known.join(", ")}`,
    remedy: closest === undefined ? "take one of these for --dev" : `did you mean ${closest}?`,
  });
}
