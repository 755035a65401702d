import {
  accessSync,
  closeSync,
  constants,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { DmasimError } from "../base/errors.ts";

/**
 * Writes a whole file or nothing: a reader of `path` never sees half of it, and an interrupted run leaves
 * the old file. The temporary file lies in the same folder, because a rename is atomic only inside one file system.
 * Devices and pipes are written to, never replaced; a symbolic link stays and its target changes.
 * Throws `DMASIM_FILE_UNWRITABLE` when the folder is absent, read-only or full.
 */
export function writeFileAtomically(path: string, text: string): void {
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) replaceFile(path, text);
    else if (stat.isFile()) replaceFile(realpathSync(path), text);
    else writeFileSync(path, text);
  } catch (error) {
    throw unwritable(path, error);
  }
}

function replaceFile(path: string, text: string): void {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  try {
    writeDown(temporary, text);
    renameSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** The bytes are on the disk before the name is: else a crash of the computer could leave an empty file under it. */
function writeDown(path: string, text: string): void {
  const file = openSync(path, "w");
  try {
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Throws the same error before the work whose result the file is to hold. */
export function checkWritable(path: string): void {
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat?.isDirectory() === true) throw Object.assign(new Error(), { code: "EISDIR" });
    const special = stat !== undefined && !stat.isFile();
    if (!special && !statSync(dirname(path)).isDirectory()) throw Object.assign(new Error(), { code: "ENOTDIR" });
    accessSync(special ? path : dirname(path), constants.W_OK);
  } catch (error) {
    throw unwritable(path, error);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "its folder does not exist",
  EACCES: "permission denied",
  EPERM: "not permitted",
  EISDIR: "it is a folder",
  ENOTDIR: "its folder is a file",
  ENOSPC: "no space left",
  EROFS: "read-only file system",
  EDQUOT: "quota exceeded",
  EFBIG: "larger than files may be",
  ELOOP: "its symbolic links form a circle",
  ENAMETOOLONG: "its name is too long",
};

/** Why a write failed, in words where there are some. */
export function writeErrorText(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
  return REASONS[code] ?? code;
}

function unwritable(path: string, error: unknown): DmasimError {
  return new DmasimError({
    code: "DMASIM_FILE_UNWRITABLE",
    what: `cannot write this file (${writeErrorText(error)})`,
    remedy: isFull(error)
      ? "make room there, or give a path elsewhere"
      : "give a path in an existing folder that you may write to",
    at: { file: path },
  });
}

function isFull(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");
}
