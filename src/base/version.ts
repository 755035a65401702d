import { readFileSync } from "node:fs";

/** Version of the package, as its package.json says; read from the package root, seen from dist/src/base/. */
export function packageVersion(): string {
  const text = readFileSync(new URL("../../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { readonly version: string }).version;
}
