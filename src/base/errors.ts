/** Exit codes of every command (DESIGN section 6). */
export const EXIT = Object.freeze({
  ok: 0,
  internal: 1,
  usage: 2,
  verification: 3,
  objective: 4,
  interrupted: 130,
});

/** Where in a user's file the cause stands; lines and columns count from 1. */
export interface SourceLocation {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
}

/** The parts of a user-facing error: what is wrong, with which value, against which limit, and the way out. */
export interface ErrorParts {
  /** Stable identifier, `DMASIM_` followed by upper-case words. */
  readonly code: string;
  /** One clause, without a full stop. */
  readonly what: string;
  readonly value?: unknown;
  readonly limit?: string;
  readonly remedy?: string;
  /** Path of the key inside a document, e.g. `jobs[0].bs`. */
  readonly path?: string;
  readonly at?: SourceLocation;
  readonly exitCode?: number;
}

/** Wrong use at the border of the program: coded, with value, limit and remedy. Exit code 2 unless it says otherwise. */
export class DmasimError extends Error {
  override readonly name = "DmasimError";
  readonly code: string;
  readonly exitCode: number;
  readonly parts: ErrorParts;

  constructor(parts: ErrorParts) {
    super(formatError(parts));
    this.code = parts.code;
    this.exitCode = parts.exitCode ?? EXIT.usage;
    this.parts = parts;
  }
}

function formatError(parts: ErrorParts): string {
  const where = formatLocation(parts.at);
  const path = parts.path === undefined ? "" : `${printable(parts.path)}: `;
  const value = parts.value === undefined ? "" : ` (got ${printable(formatValue(parts.value))})`;
  const limit = parts.limit === undefined ? "" : `; ${printable(parts.limit)}`;
  const remedy = parts.remedy === undefined ? "" : `\n  remedy: ${printable(parts.remedy)}`;
  return `${where}${path}${printable(parts.what)}${value}${limit}${remedy}`;
}

/** A part of a message repeats words of a file at most this long. */
const PART_LENGTH_MAX = 600;

/** Words of a file must not command the terminal that the message appears on (control characters, changes of direction), nor flood it. */
function printable(text: string): string {
  const short = text.length > PART_LENGTH_MAX ? `${text.slice(0, PART_LENGTH_MAX - 1)}…` : text;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach the terminal
  return short.replaceAll(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, "�");
}

function formatLocation(at: SourceLocation | undefined): string {
  if (at === undefined) return "";
  const line = at.line === undefined ? "" : `:${at.line}`;
  const column = at.line === undefined || at.column === undefined ? "" : `:${at.column}`;
  return `${printable(at.file)}${line}${column}: `;
}

const VALUE_TEXT_MAX = 80;

function formatValue(value: unknown): string {
  const text = typeof value === "string" ? JSON.stringify(value) : (JSON.stringify(value) ?? String(value));
  return text.length > VALUE_TEXT_MAX ? `${text.slice(0, VALUE_TEXT_MAX - 1)}…` : text;
}
