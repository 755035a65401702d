import { readFileSync } from "node:fs";
import { packagePath } from "./package_root.ts";

/** Version of the package, as its package.json says. */
export function packageVersion(): string {
  const text = readFileSync(packagePath("package.json"), "utf8");
  return (JSON.parse(text) as { readonly version: string }).version;
}
