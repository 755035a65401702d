import { readFileSync, statSync } from "node:fs";
import { DmasimError } from "../base/errors.ts";

/** What a file is read as; names it in errors. */
export type TextFileKind = "machine" | "profile" | "case" | "job file" | "measurement file";

/** Largest file that is read, bytes: measurements are tables, the others are written by hand. */
const TEXT_FILE_BYTES_MAX = 1024 * 1024;
const TABLE_FILE_BYTES_MAX = 64 * 1024 * 1024;

/**
 * Text of a configuration file: UTF-8, at most 1 MiB (measurements: 64 MiB), not empty.
 * Throws one `DmasimError` that names the file when it is absent, not a regular file, too large, binary or empty.
 */
export function readTextFile(file: string, kind: TextFileKind): string {
  checkFile(file, kind);
  const text = decodeUtf8(file, readBytes(file, kind));
  if (text.trim() === "") {
    throw fileError("DMASIM_FILE_EMPTY", file, `this ${kind} is empty`, `write at least one ${emptyRemedy(kind)}`);
  }
  return text;
}

function emptyRemedy(kind: TextFileKind): string {
  if (kind === "job file") return "[job] section with rw= and bs=";
  if (kind === "measurement file") return "row; see data/VOCABULARY.md";
  if (kind === "case") return "entry: entries: [ram@0x10800+0x800]";
  return kind === "profile" ? "job: jobs: [{name: a, rw: randread, bs: 4k}]" : "memory region and device";
}

function checkFile(file: string, kind: TextFileKind): void {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat === undefined) {
    throw fileError("DMASIM_FILE_ABSENT", file, `this ${kind} does not exist`, "check the path, or run: dmasim list");
  }
  if (!stat.isFile()) {
    throw fileError("DMASIM_FILE_TYPE", file, `this ${kind} is not a regular file`, "give the path of a text file");
  }
  const bytesMax = kind === "measurement file" ? TABLE_FILE_BYTES_MAX : TEXT_FILE_BYTES_MAX;
  if (stat.size > bytesMax) {
    throw new DmasimError({
      code: "DMASIM_FILE_TOO_LARGE",
      what: `this ${kind} is too large, bytes`,
      value: stat.size,
      limit: `at most ${bytesMax}`,
      remedy: "split it, or check that this is the file you meant",
      at: { file },
    });
  }
}

function readBytes(file: string, kind: TextFileKind): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? String(error.code) : "read failed";
    throw fileError("DMASIM_FILE_UNREADABLE", file, `this ${kind} cannot be read (${reason})`, "check its permissions");
  }
}

function decodeUtf8(file: string, bytes: Uint8Array): string {
  const binary = () => fileError("DMASIM_FILE_BINARY", file, "this file is binary, not UTF-8 text", "give a text file");
  if (bytes.includes(0)) throw binary();
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw binary();
  }
}

function fileError(code: string, file: string, what: string, remedy: string): DmasimError {
  return new DmasimError({ code, what, remedy, at: { file } });
}
