/** The node under test and the applications it serves, and libraries pointed at them. */

import http from "node:http";
import PusherServer from "pusher";

const { host, port, apps } = JSON.parse(process.env.SHOAL_TEST_NODE);

// With the default agent of older Node versions each request would be a connection of its own.
const agent = new http.Agent({ keepAlive: true });

/** Where the node is, and the credentials of an application by the name that the tests give it. */
export { apps, host, port };

export const MASTER_KEY = Buffer.alloc(32, "a master key of thirty-two bytes").toString("base64");

/** Options that point pusher-js, or Echo, at the node and at nothing else. */
export function clientOptions() {
  return {
    cluster: "local",
    wsHost: host,
    wsPort: port,
    wssPort: port,
    forceTLS: false,
    enabledTransports: ["ws", "wss"],
  };
}

/** The official HTTP library for Node, as the back end of an application. */
export function createBackend({ app = "main", ...options } = {}) {
  const { id, key, secret } = apps[app];
  const where = { host, port, useTLS: false, agent };
  return new PusherServer({ appId: id, key, secret, ...where, encryptionMasterKeyBase64: MASTER_KEY, ...options });
}
