import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readJobFile } from "#dmasim/sim/fio/job_file.js";
import { fioJobs, userError, withFiles } from "../profile/files.ts";

function read(text: string) {
  return withFiles({ "a.fio": text }, (folder) => readJobFile(join(folder, "a.fio"), { environment: {} }).sections);
}

describe("job file syntax", () => {
  it("knows comments, blanks, values and lone options, each with its line", () => {
    const [section] = read("; one\n\n# two\n  [ job ]  ; three\n bs = 4k # four\nthread\n\tname=a b ; five\nsize=\r\n");
    expect(section?.name).toBe("job");
    expect(section?.at.line).toBe(4);
    expect(section?.options.map((option) => [option.name, option.value, option.at.line])).toEqual([
      ["bs", "4k", 5],
      ["thread", null, 6],
      ["name", "a b", 7],
      ["size", "", 8],
    ]);
  });

  it("takes every section whose name begins with global as global", () => {
    expect(read("[global]\n[globals]\n[a]\n[Global]\n").map((section) => section.isGlobal)).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  it("lets a later global section change the jobs below it only", () => {
    const jobs = fioJobs("[global]\nbs=4k\niodepth=2\n[a]\n[global]\nbs=8k\n[b]\nioengine=libaio\n");
    expect(jobs.map((job) => [job.blockSizes.read[0]?.bytesMin, job.iodepth])).toEqual([
      [4096, 2],
      [8192, 2],
    ]);
  });

  it("keeps two sections of one name apart and takes the last of repeated options", () => {
    const jobs = fioJobs("[a]\nbs=4k\nbs=8k\n[a]\nblocksize=16k\n");
    expect(jobs.map((job) => [job.name, job.blockSizes.read[0]?.bytesMin])).toEqual([
      ["a", 8192],
      ["a", 16384],
    ]);
  });
});

describe("include", () => {
  const files = {
    "a.fio": "[global]\ninclude sub/g.fio\n[job]\nrw=write\ninclude j.fio\n",
    "sub/g.fio": "iodepth=4\ninclude deeper.fio\n",
    "sub/deeper.fio": "bs=16k\n",
    "j.fio": "# text of the job\nioengine=libaio\n",
  };

  it("reads files into the section it stands in, relative to the including file", () => {
    const options = withFiles(files, (folder) =>
      readJobFile(join(folder, "a.fio")).sections.map((section) => section.options.map((option) => option.name)),
    );
    expect(options).toEqual([
      ["iodepth", "bs"],
      ["rw", "ioengine"],
    ]);
  });

  it.each([
    ["leaving the folder", { "in/a.fio": "[j]\ninclude ../b.fio\n", "b.fio": "bs=4k\n" }, "in/a.fio", /may not leave/],
    ["an absolute path", { "a.fio": "[j]\ninclude /etc/hostname\n" }, "a.fio", /may not leave|does not exist/],
    ["an absent file", { "a.fio": "[j]\ninclude b.fio\n" }, "a.fio", /does not exist/],
    ["a section inside", { "a.fio": "[j]\ninclude b.fio\n", "b.fio": "[k]\n" }, "a.fio", /cannot open a section/],
    ["itself", { "a.fio": "[j]\ninclude b.fio\n", "b.fio": "include b.fio\n" }, "a.fio", /nested too deeply/],
    ["standing outside a section", { "a.fio": "include b.fio\n", "b.fio": "bs=4k\n" }, "a.fio", /outside a section/],
  ])("refuses %s", (_, tree: Record<string, string>, file, message) => {
    const error = userError(() => withFiles(tree, (folder) => readJobFile(join(folder, file))));
    expect(error.message).toMatch(message);
    expect(error.parts.at?.line).toBeGreaterThan(0);
  });
});
