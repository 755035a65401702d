/** Case files: what `dmasim map` is asked, as YAML or JSON with the names of its flags. */
import { z } from "zod";
import { machineNamedIn } from "../machine/named.ts";
import type { Override } from "../override.ts";
import { readYamlDocument } from "../yaml_document.ts";
import type { MapWords } from "./request.ts";

/** Numbers and texts are both fine where a flag takes a number. */
const word = z.union([z.string(), z.number()]).transform(String);

const caseSchema = z.strictObject({
  machine: z.string().optional().describe("A shipped machine's name, or a .yaml file in the folder of this one"),
  dev: z.string().optional().describe("Device of the machine"),
  dir: z.string().optional().describe("TO, FROM or BIDI"),
  attr: z
    .union([z.string(), z.array(z.string())])
    .optional()
    .describe("DMA attributes, e.g. skip-cpu-sync"),
  resource: z.boolean().optional().describe("dma_map_resource for every entry"),
  importer: z.string().optional().describe("Private memory: resolve, refuse or unchecked"),
  mask: word.optional().describe("Address bits of the device"),
  "max-seg": word.optional().describe("Longest DMA segment, bytes"),
  boundary: word.optional().describe("Boundary mask that no segment crosses, 2^n - 1"),
  "min-align-mask": word.optional().describe("Address bits that bouncing keeps, 2^n - 1"),
  arch: z.string().optional().describe("An architecture of: dmasim list archs; or all"),
  era: word.optional().describe("Kernel era: 4.1, 6.1, 6.12, 7.x"),
  defects: z.string().optional().describe("shipped or corrected"),
  set: z.record(z.string(), z.unknown()).optional().describe("Keys of the machine and their values, as --set"),
  entries: z.array(z.string()).default([]).describe("Scatterlist entries, e.g. ram@0x10800+0x800"),
});

/** The words of a case file. Throws one DmasimError for wrong input. */
export function readMapCase(file: string): MapWords {
  const { value } = readYamlDocument(file, caseSchema, { kind: "case" });
  const { attr, set, machine, "max-seg": maxSeg, "min-align-mask": minAlignMask, ...rest } = value;
  return {
    ...rest,
    machine: machine === undefined ? undefined : machineNamedIn(file, machine),
    maxSeg,
    minAlignMask,
    attr: Array.isArray(attr) ? attr.join(",") : attr,
    set: set === undefined ? undefined : Object.entries(set).map(overrideOf),
  };
}

function overrideOf([path, value]: readonly [string, unknown]): Override {
  return { path, value: typeof value === "string" ? value : JSON.stringify(value) };
}
