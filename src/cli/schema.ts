/** `dmasim schema WHAT`: JSON Schema of the files that users write, for editors and as reference. */
import { Argument, type Command } from "commander";
import { z } from "zod";
import { renderJson } from "../report/json.ts";
import { machineJsonSchema } from "../sim/machine/schema.ts";
import { profileSchema } from "../sim/profile/schema.ts";
import { deliver, STDOUT } from "./output.ts";
import { JSON_FLAG, type Session } from "./session.ts";

/** Adds `dmasim schema`: JSON Schema of what a user may write, defaults still optional. */
export function addSchemaCommand(program: Command, session: Session): void {
  program
    .command("schema")
    .description("print the JSON Schema of a machine or a load profile")
    .addArgument(new Argument("<what>", "whose schema").choices(["machine", "profile"]))
    .option(...JSON_FLAG)
    .action((what: string, flags: { readonly json?: string }) => {
      const schema = what === "machine" ? machineJsonSchema() : z.toJSONSchema(profileSchema, { io: "input" });
      deliver(session.output, flags.json ?? STDOUT, renderJson(schema));
    });
}
