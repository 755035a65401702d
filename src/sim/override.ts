/** `--set path=value`: changes to a plain document before its schema sees it. */
import { parse } from "yaml";
import { DmasimError } from "../base/errors.ts";

/** One `--set`: a path such as `iommu.mode`, `devices[0].mps`, `jobs.reader.bs`, `jobs[*].bs`, and the text of a YAML value. */
export interface Override {
  readonly path: string;
  readonly value: string;
}

/** A path inside a document: keys and list indexes. */
export type DocumentPath = readonly (string | number)[];

/**
 * Puts the value of every override into `root` and returns the document paths that it made or changed, one list per override.
 * A list is entered by index, by the `name` of an element, or by `*` for every element; maps that are absent are made,
 * so that an unknown path ends as an unknown key in a strict schema.
 */
export function applyOverrides(root: unknown, overrides: readonly Override[]): DocumentPath[][] {
  return overrides.map((override) => {
    const segments = splitOverridePath(override);
    const value = parseOverrideValue(override);
    const changed: DocumentPath[] = [];
    assign({ override, value, changed }, root, segments, []);
    return changed;
  });
}

/** Segments of `a.b[0].c`; brackets and dots may be mixed. Throws on an empty path or segment. */
function splitOverridePath(override: Override): string[] {
  const segments = override.path.replaceAll(/\[([^\][]*)\]/g, ".$1").split(".");
  if (segments.every((segment) => segment.trim() !== "")) return segments.map((segment) => segment.trim());
  throw overrideError(override, "this path has an empty part", "write it as key.key[0].key=value");
}

/** Error that names the whole `--set` as its place. */
export function overrideError(override: Override, what: string, remedy: string): DmasimError {
  return new DmasimError({
    code: "DMASIM_OVERRIDE_INVALID",
    what,
    remedy,
    path: override.path,
    at: { file: overrideSource(override) },
  });
}

/** `--set path=value`, as the place of an error. */
export function overrideSource(override: Override): string {
  return `--set ${override.path}=${override.value}`;
}

function parseOverrideValue(override: Override): unknown {
  try {
    return parse(override.value, { maxAliasCount: 0, logLevel: "error" });
  } catch {
    throw overrideError(override, "this value is not YAML", "quote the value, e.g. --set 'path=\"text\"'");
  }
}

interface Assignment {
  readonly override: Override;
  readonly value: unknown;
  readonly changed: DocumentPath[];
}

function assign(task: Assignment, node: unknown, segments: readonly string[], done: DocumentPath): void {
  const [segment, ...rest] = segments;
  if (segment === undefined) return;
  for (const key of keysOf(task, node, segment)) {
    const path = [...done, key];
    if (rest.length === 0) {
      setOwn(node as object, key, structuredClone(task.value));
      task.changed.push(path);
    } else {
      assign(task, childOf(task, node as object, path), rest, path);
    }
  }
}

function keysOf(task: Assignment, node: unknown, segment: string): (string | number)[] {
  if (Array.isArray(node)) return indexesOf(task, node, segment);
  if (typeof node === "object" && node !== null) return [segment];
  throw overrideError(task.override, `nothing can be set below a plain value at "${segment}"`, "shorten the path");
}

function indexesOf(task: Assignment, list: readonly unknown[], segment: string): number[] {
  if (segment === "*") return list.map((_, index) => index);
  if (/^\d+$/.test(segment) && Number(segment) < list.length) return [Number(segment)];
  const named = list.findIndex((item) => isNamed(item, segment));
  if (named >= 0) return [named];
  const names = list.map((item, index) => (hasName(item) ? item.name : String(index)));
  const known = names.length === 0 ? "the list is empty" : `it has ${names.join(", ")}`;
  throw overrideError(task.override, `this list has no element "${segment}"`, `${known}; * sets all`);
}

function hasName(item: unknown): item is { name: string } {
  return typeof item === "object" && item !== null && "name" in item && typeof item.name === "string";
}

function isNamed(item: unknown, name: string): boolean {
  return hasName(item) && item.name === name;
}

/** The value below `node` at the path's last key; an absent one becomes a map that counts as made by the override. */
function childOf(task: Assignment, node: object, path: DocumentPath): unknown {
  const key = path.at(-1) ?? "";
  const child: unknown = Object.hasOwn(node, key) ? Reflect.get(node, key) : undefined;
  if (child !== undefined && child !== null) return child;
  const made = {};
  setOwn(node, key, made);
  task.changed.push(path);
  return made;
}

/** Defines instead of assigning: a key named `__proto__` must stay a key. */
function setOwn(node: object, key: string | number, value: unknown): void {
  Object.defineProperty(node, key, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}
