/** Looks into a zod schema by document path, for error texts: which keys are allowed there, and what a key means. */
import type { z } from "zod";
import type { DocumentPath } from "./override.ts";

type Schema = z.core.$ZodType;

/** Schemas that may describe the value at `path`; several where unions are on the way. */
function schemasAt(root: Schema, path: DocumentPath): Schema[] {
  let current = unwrap(root);
  for (const segment of path) current = current.flatMap((schema) => childSchemas(schema, segment));
  return current;
}

/** Keys that a map at `path` may have; empty where anything or nothing is allowed. */
export function keysAt(root: Schema, path: DocumentPath): string[] {
  return schemasAt(root, path).flatMap((schema) => Object.keys(shapeOf(schema) ?? {}));
}

/** The `.describe()` text of the key at `path`; undefined where it has none. */
export function descriptionAt(root: Schema, path: DocumentPath): string | undefined {
  const key = path.at(-1);
  if (key === undefined) return undefined;
  for (const parent of schemasAt(root, path.slice(0, -1))) {
    const child = shapeOf(parent)?.[key];
    const text = child === undefined ? undefined : firstDescription(child);
    if (text !== undefined) return text;
  }
  return undefined;
}

function firstDescription(schema: Schema): string | undefined {
  const own = (schema as { description?: string }).description;
  if (own !== undefined) return own;
  const inner = innerOf(schema);
  return inner === undefined ? undefined : firstDescription(inner);
}

interface AnyDef {
  readonly innerType?: Schema;
  readonly in?: Schema;
  readonly getter?: () => Schema;
  readonly options?: readonly Schema[];
  readonly shape?: Readonly<Record<string, Schema>>;
  readonly element?: Schema;
  readonly valueType?: Schema;
  readonly items?: readonly Schema[];
  readonly left?: Schema;
  readonly right?: Schema;
}

function defOf(schema: Schema): AnyDef {
  return schema._zod.def as AnyDef;
}

/** The schema inside optional, default, nullable, readonly, pipe and lazy wrappers. */
function innerOf(schema: Schema): Schema | undefined {
  const def = defOf(schema);
  return def.innerType ?? def.in ?? def.getter?.();
}

function unwrap(schema: Schema): Schema[] {
  const inner = innerOf(schema);
  if (inner !== undefined) return unwrap(inner);
  const def = defOf(schema);
  if (def.options !== undefined) return def.options.flatMap(unwrap);
  if (def.left !== undefined && def.right !== undefined) return [...unwrap(def.left), ...unwrap(def.right)];
  return [schema];
}

function shapeOf(schema: Schema): Readonly<Record<string | number, Schema>> | undefined {
  return defOf(schema).shape;
}

function childSchemas(schema: Schema, segment: string | number): Schema[] {
  const def = defOf(schema);
  const child =
    typeof segment === "number"
      ? (def.items?.[segment] ?? def.element ?? def.valueType)
      : (def.shape?.[segment] ?? def.valueType);
  return child === undefined ? [] : unwrap(child);
}
