/** `dmasim map ENTRY...`: what happens when a scatterlist is mapped. */
import { type Command, Option } from "commander";
import { EXIT } from "../base/errors.ts";
import { mapReportJson } from "../report/map/json.ts";
import { renderMap, renderMapOnArchs } from "../report/map.ts";
import { DEFAULT_MAP_DIR, DEFAULT_MAP_MACHINE } from "../sim/mapping/defaults.ts";
import { type MapFlags, wordsOf } from "./map_flags.ts";
import { present } from "./output.ts";
import { collectOverride } from "./overrides.ts";
import { JSON_FLAG, type Session } from "./session.ts";

const HELP = `
Entries:
  ram@0x10800+0x800          address+length in RAM; pmem@ and bar@ likewise
  pmem0+0x50000+4k           region+offset+length (regions: dmasim inspect machine NAME)
  bar:nvme3+0+4k             offset in the BAR of a device
  private:gpu0+0x1000+4k     offset in a device's private memory, see --importer
  pfn:0x10+0x800@0x200       page frame+length@offset, without a struct page

Examples:
  dmasim map ram@0x10800+0x800 pmem@0x100050000+0x1000 ram@0x30000+0x400
  dmasim map --machine soc-30bit --dir TO ram@0x80000000+8k
  dmasim map --machine intel-vtd-2s --dev capture0 --mask 32 ram1+0+64k
  dmasim map --resource --dev nvme2 bar:nvme3+0x1000+4
  dmasim map --arch all ram@0x10800+0x800 pfn:0x50+4k
  dmasim map --case list.yaml --json - | jq .mapped.segments
`;

/** Adds the command. A refused list is an answer, not an error: the exit code is 0. */
export function addMapCommand(program: Command, session: Session): void {
  const command = program
    .command("map")
    .description("show what happens when a scatterlist is mapped: addresses, page tables, bounces, exposure")
    .argument("[entry...]", "scatterlist entries, see below");
  addWhere(command);
  addLimits(command);
  command
    .optionsGroup("Input and output:")
    .option("--case <file>", "read the request from a YAML or JSON file with these names as keys; flags win")
    .option(...JSON_FLAG)
    .optionsGroup("Options:")
    .addHelpText("after", HELP)
    .action((entries: readonly string[], flags: MapFlags) => map(session, entries, flags));
}

function addWhere(command: Command): void {
  command
    .optionsGroup("Who maps, and where:")
    .option("--machine <machine>", `a shipped name or a .yaml file (default: ${DEFAULT_MAP_MACHINE})`)
    .option("--dev <device>", "device of the machine (default: its block device)")
    .option(
      "--dir <dir>",
      `TO, FROM or BIDI: does the device read memory, write it, or both (default: ${DEFAULT_MAP_DIR})`,
    )
    .option("--attr <names>", "DMA attributes: skip-cpu-sync, mmio, no-warn, weak-ordering, privileged")
    .option("--resource", "map each entry by dma_map_resource, as MMIO, instead of the list by dma_map_sg")
    .option(
      "--importer <how>",
      "private memory: resolve it to its owner's BAR or RAM, refuse it, or map it unchecked (default: the machine's)",
    )
    .option("--arch <arch>", "one architecture of Linux 4.1 instead (dmasim list archs), or all side by side")
    .addOption(new Option("--era <era>", "kernel whose behaviour counts").choices(["4.1", "6.1", "6.12", "7.x"]))
    .addOption(
      new Option("--defects <which>", "reproduce known kernel defects or not").choices(["shipped", "corrected"]),
    )
    .option("--set <path=value>", "change a key of the machine, or pagelessPolicy (repeatable)", collectOverride);
}

function addLimits(command: Command): void {
  command
    .optionsGroup("Limits of the device (default: the machine's):")
    .option("--mask <bits>", "address bits it can drive (dma_set_mask)")
    .option("--max-seg <bytes>", "longest segment (dma_set_max_seg_size)")
    .option("--boundary <mask>", "segments cross no multiple of mask + 1, e.g. 0xffff (dma_set_seg_boundary)")
    .option("--min-align-mask <mask>", "address bits that bouncing keeps, e.g. 0xfff (dma_set_min_align_mask)");
}

async function map(session: Session, entries: readonly string[], flags: MapFlags): Promise<void> {
  // The simulator is loaded for a mapping only, so that help and errors of other commands stay instant.
  const { resolveMapRequest } = await import("../sim/mapping/request.ts");
  const { surveyMapping } = await import("../sim/mapping/survey.ts");
  const request = resolveMapRequest(wordsOf(entries, flags));
  const survey = surveyMapping(request);
  const { output } = session;
  const render = request.arch === null ? renderMap : renderMapOnArchs;
  present(output, flags.json, mapReportJson(survey), render(output.screen, survey));
  if (survey.preview.leaks.length > 0) session.exitCode = EXIT.verification;
}
