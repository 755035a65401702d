/** Reads fio's job files: INI with `[global]`, comments, `include` and substitutions (HOWTO "Job file format"). */
import { realpathSync } from "node:fs";
import { dirname, resolve, sep } from "node:path";
import { DmasimError, type SourceLocation } from "../../base/errors.ts";
import { readTextFile } from "../text_file.ts";
import { DEFAULT_KEYWORDS, type Environment, expandValue, type Keywords } from "./expand.ts";

/** One line `name=value`; `value` is null when the line has no `=`. Names are as written, aliases not resolved. */
export interface JobFileOption {
  readonly name: string;
  readonly value: string | null;
  readonly at: SourceLocation;
}

/** `[name]` and its lines; options of `[global]` are not merged into it yet. */
export interface JobFileSection {
  readonly name: string;
  readonly isGlobal: boolean;
  readonly at: SourceLocation;
  readonly options: readonly JobFileOption[];
}

/** Sections in file order, includes expanded in place. */
export interface JobFile {
  readonly file: string;
  readonly sections: readonly JobFileSection[];
}

/** What `${NAME}` and `$ncpus` stand for while reading. */
export interface JobFileContext {
  readonly environment?: Environment;
  readonly keywords?: Keywords;
}

const SECTIONS_MAX = 4096;
const LINES_MAX = 65_536;
const INCLUDE_DEPTH_MAX = 16;
/** Files that a job file may bring in, the same one counted each time. */
const INCLUDES_MAX = 256;
/** fio's OPT_LEN_MAX: longest line, and longest value after substitutions. */
const LINE_LENGTH_MAX = 8192;
/** fio reads at most 255 characters of a section's name. */
const NAME_LENGTH_MAX = 255;

interface Reader {
  readonly root: string;
  readonly environment: Environment;
  readonly keywords: Keywords;
  readonly sections: MutableSection[];
  lines: number;
  includes: number;
}

interface MutableSection extends JobFileSection {
  readonly options: JobFileOption[];
}

/** Sections of a job file of at most 1 MiB, in order. Throws exactly one `DmasimError` for wrong input. */
export function readJobFile(file: string, context: JobFileContext = {}): JobFile {
  const text = readTextFile(file, "job file");
  const reader: Reader = {
    root: realpathSync(dirname(file)),
    environment: context.environment ?? process.env,
    keywords: context.keywords ?? DEFAULT_KEYWORDS,
    sections: [],
    lines: 0,
    includes: 0,
  };
  readLines(reader, file, text, 0);
  return { file, sections: reader.sections };
}

function readLines(reader: Reader, file: string, text: string, depth: number): void {
  const lines = text.split(/\r\n|\n|\r/);
  reader.lines += lines.length;
  if (reader.lines > LINES_MAX) throw tooMany("lines", LINES_MAX, { file });
  for (const [index, raw] of lines.entries()) {
    const line = stripComment(raw);
    const at = { file, line: index + 1 };
    if (line.length > LINE_LENGTH_MAX) throw tooLong(line, at);
    if (line !== "") readLine(reader, line, at, depth);
  }
}

/** fio cuts a line at the first `;`, then at the first `#`, wherever they stand. */
function stripComment(line: string): string {
  const end = line.search(/[;#]/);
  return (end < 0 ? line : line.slice(0, end)).trim();
}

function readLine(reader: Reader, line: string, at: SourceLocation, depth: number): void {
  if (line.startsWith("[")) openSection(reader, line, at, depth);
  else if (/^include\s+[^=\s]/.test(line)) include(reader, line.slice("include".length).trim(), at, depth);
  else currentSection(reader, line, at).options.push(parseOption(reader, line, at));
}

function openSection(reader: Reader, line: string, at: SourceLocation, depth: number): void {
  if (depth > 0)
    throw lineError("an included file cannot open a section", line, at, "move the section to the job file");
  if (!line.endsWith("]")) throw lineError("this section's name does not end in ]", line, at, "write it as [name]");
  const name = line.slice(1, -1).trim();
  if (name === "") throw lineError("this section has no name", line, at, "write it as [name]");
  if (name.length > NAME_LENGTH_MAX) {
    throw lineError("this section's name is too long", line, at, `at most ${NAME_LENGTH_MAX} characters`);
  }
  if (reader.sections.length >= SECTIONS_MAX) throw tooMany("sections", SECTIONS_MAX, at);
  reader.sections.push({
    name,
    isGlobal: name.startsWith("global"),
    at,
    options: [],
  });
}

function currentSection(reader: Reader, line: string, at: SourceLocation): MutableSection {
  const section = reader.sections.at(-1);
  if (section !== undefined) return section;
  throw lineError("this option stands outside a section", line, at, "put [global] or [jobname] above it");
}

function parseOption(reader: Reader, line: string, at: SourceLocation): JobFileOption {
  const equals = line.indexOf("=");
  if (equals < 0) return { name: line, value: null, at };
  const name = line.slice(0, equals).trim();
  if (name === "") throw lineError("this line has no option name", line, at, "write it as option=value");
  const value = expandValue(line.slice(equals + 1).trim(), reader.environment, reader.keywords);
  if (value.length > LINE_LENGTH_MAX) throw tooLong(value, at);
  return { name, value, at };
}

/** Includes are text for the section they stand in, relative to the including file, and stay below the job file's folder. */
function include(reader: Reader, name: string, at: SourceLocation, depth: number): void {
  currentSection(reader, `include ${name}`, at);
  if (depth >= INCLUDE_DEPTH_MAX) {
    throw lineError("includes are nested too deeply", name, at, "check that no file includes itself");
  }
  if (reader.includes >= INCLUDES_MAX) throw tooMany("includes", INCLUDES_MAX, at);
  reader.includes += 1;
  const file = resolve(dirname(at.file), name);
  readLines(reader, file, readIncluded(reader, file, name, at), depth + 1);
}

function readIncluded(reader: Reader, file: string, name: string, at: SourceLocation): string {
  const folder = reader.root.endsWith(sep) ? reader.root : `${reader.root}${sep}`;
  const real = realPathOf(file);
  if (real === undefined) throw lineError("this included file does not exist", name, at, "check its path");
  if (real.startsWith(folder)) return readTextFile(file, "job file");
  throw lineError("an include may not leave the job file's folder", name, at, "copy the file next to the job file");
}

function realPathOf(file: string): string | undefined {
  try {
    return realpathSync(file);
  } catch {
    return undefined;
  }
}

function tooLong(text: string, at: SourceLocation): DmasimError {
  return lineError("this line is too long", text, at, `at most ${LINE_LENGTH_MAX} characters, substitutions included`);
}

function lineError(what: string, value: string, at: SourceLocation, remedy: string): DmasimError {
  return new DmasimError({
    code: "DMASIM_JOB_FILE_SYNTAX",
    what,
    value,
    at,
    remedy,
  });
}

function tooMany(what: string, max: number, at: SourceLocation): DmasimError {
  const limit = `at most ${max}`;
  return new DmasimError({
    code: "DMASIM_JOB_FILE_TOO_LARGE",
    what: `too many ${what}`,
    limit,
    at,
    remedy: "split it",
  });
}
