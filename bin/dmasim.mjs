#!/usr/bin/env node
import { existsSync } from "node:fs";

// Ctrl-C while the program still loads; a command that runs long listens for itself.
for (const name of ["SIGINT", "SIGTERM"]) process.on(name, () => process.exit(130));

const entry = new URL("../dist/bundle/dmasim.js", import.meta.url);
if (existsSync(entry)) {
  const { main } = await import(entry.href);
  process.exitCode = await main(process.argv.slice(2));
} else {
  process.stderr.write("dmasim: not built yet\n  remedy: run npm run build in the package's folder\n");
  process.exitCode = 2;
}
