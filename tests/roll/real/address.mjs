/** Where clients connect, and how an application's back end signs for them. */

import { createHmac } from "node:crypto";

export class Address {
  constructor({ host, port, key, secret }) {
    Object.assign(this, { host, port, key, secret });
  }

  /** Options that point pusher-js there and at nothing else. Its own timings are left alone. */
  options(user) {
    return {
      cluster: "local",
      wsHost: this.host,
      wsPort: this.port,
      forceTLS: false,
      enabledTransports: ["ws"],
      // Answered in the process, so that the only sockets there are are those of WebSockets.
      channelAuthorization: { customHandler: (request, answer) => answer(null, this.#authorize(request, user)) },
    };
  }

  #authorize({ socketId, channelName }, user) {
    const channel_data = channelName.startsWith("presence-") ? JSON.stringify({ user_id: user }) : undefined;
    const text = [socketId, channelName, channel_data].filter((part) => part !== undefined).join(":");
    const auth = `${this.key}:${createHmac("sha256", this.secret).update(text).digest("hex")}`;
    return channel_data === undefined ? { auth } : { auth, channel_data };
  }
}
