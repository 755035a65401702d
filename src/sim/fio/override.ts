/** `--set` on a job file: `global.bs=8k`, `jobs.NAME.iodepth=64`, `jobs[*].numjobs=4`. */
import { applyOverrides, type Override, overrideError, overrideSource } from "../override.ts";
import type { JobFile, JobFileOption, JobFileSection } from "./job_file.ts";

/** The job file with overridden options added; they count before those of their section. */
export function overrideJobFile(jobFile: JobFile, overrides: readonly Override[]): JobFile {
  if (overrides.length === 0) return jobFile;
  const jobs = jobFile.sections.filter((section) => !section.isGlobal);
  const root = {
    global: {},
    jobs: jobs.map((section) => ({ name: section.name })),
  };
  const changed = applyOverrides(root, overrides);
  let sections = withGlobalSection(jobFile);
  for (const [index, override] of overrides.entries()) {
    for (const path of changed[index] ?? []) {
      const [place, ...rest] = path;
      const option = optionOf(override, rest.at(-1));
      if (place === "global" && rest.length === 1) sections = append(sections, option, (section) => section.isGlobal);
      else if (place === "jobs" && rest.length === 2) {
        const job = jobs[Number(rest[0])];
        sections = append(sections, option, (section) => section.at === job?.at);
      } else throw overrideError(override, "unknown path", "write global.OPTION or jobs.NAME.OPTION");
    }
  }
  return { ...jobFile, sections };
}

/** An override of `global` needs a global section above every job. */
function withGlobalSection(jobFile: JobFile): readonly JobFileSection[] {
  const global: JobFileSection = {
    name: "global",
    isGlobal: true,
    at: { file: jobFile.file },
    options: [],
  };
  return jobFile.sections[0]?.isGlobal === true ? jobFile.sections : [global, ...jobFile.sections];
}

function optionOf(override: Override, name: string | number | undefined): JobFileOption {
  return {
    name: String(name),
    value: override.value.trim(),
    at: { file: overrideSource(override) },
  };
}

function append(
  sections: readonly JobFileSection[],
  option: JobFileOption,
  isMeant: (section: JobFileSection) => boolean,
): readonly JobFileSection[] {
  return sections.map((section) =>
    isMeant(section) ? { ...section, options: [...section.options, option] } : section,
  );
}
