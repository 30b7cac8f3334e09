/** A fleet of unmodified pusher-js clients: reads who they are from standard input, writes the log's records to
 * standard output. Ends, without a word to the server, when standard input does.
 */

import readline from "node:readline";
import { Address } from "./address.mjs";
import { Guest } from "./guest.mjs";
import { watchSockets } from "./sockets.mjs";

const lines = readline.createInterface({ input: process.stdin });
lines.once("line", start);
lines.once("close", () => process.exit(0));

const TICK_MS = 20;

let unwritten = "";
let flushedAt = performance.now();

function write(kind, ...fields) {
  // To the microsecond, on the clock that all processes of this machine share.
  unwritten += `${JSON.stringify([kind, (performance.timeOrigin + performance.now()) / 1000, ...fields])}\n`;
}

async function start(line) {
  const { address, guests, per_second } = JSON.parse(line);
  setInterval(flush, TICK_MS);
  watchSockets();
  for (const plan of guests) {
    new Guest(plan, new Address(address), write);
    await new Promise((resolve) => setTimeout(resolve, 1000 / per_second));
  }
}

function flush() {
  const late = performance.now() - flushedAt - TICK_MS;
  flushedAt = performance.now();
  if (late > TICK_MS) write("stalled", late / 1000);
  if (unwritten) process.stdout.write(unwritten);
  unwritten = "";
}
