/** Watches the TCP connections that libraries make, without touching the libraries.
 *
 * Node tells of each new socket on a channel for diagnostics, synchronously. Whose it is, is known by the asynchronous
 * context, which timers and sockets hand down from the place where the client was made.
 */

import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe } from "node:diagnostics_channel";

const owners = new AsyncLocalStorage();

/** Run `make`; from now on `owner` is told of all sockets that come from it: attempted(), answered(status), ended(). */
export function watched(owner, make) {
  return owners.run(owner, make);
}

/** Begin to watch. */
export function watchSockets() {
  subscribe("net.client.socket", ({ socket }) => {
    const owner = owners.getStore();
    if (owner === undefined) return;
    const attempt = owner.attempted();
    socket.once("data", (head) => attempt.answered(Number(/^HTTP\/1\.1 (\d+)/.exec(head.toString("latin1"))?.[1])));
    socket.once("error", (error) => attempt.broke(error.code));
    socket.once("close", () => attempt.ended());
  });
}
