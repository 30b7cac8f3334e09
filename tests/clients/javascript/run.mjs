/** Run the checks of one scenario, whose path is the argument. */

import { pathToFileURL } from "node:url";
import { runChecks } from "./checks.mjs";

await import(pathToFileURL(process.argv[2]));
await runChecks();
// Idle connections and timers of the libraries would keep the process for up to two minutes.
process.exit(0);
