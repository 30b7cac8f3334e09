/** One pusher-js client, and the records of what happens to it. */

import { createRequire } from "node:module";
import { watched } from "./sockets.mjs";

// Installed where the tests with real clients are.
const Pusher = createRequire(new URL("../../clients/package.json", import.meta.url))("pusher-js");

const ABNORMAL = 1006;
const NORMAL = 1000;

export class Guest {
  constructor({ name, channels, user }, address, write) {
    this.name = name;
    this.write = write;
    this.attempt = undefined; // the latest
    this.pusher = watched(this, () => new Pusher(address.key, address.options(user)));
    this.pusher.connection.bind("connected", () => this.attempt.established());
    this.pusher.connection.bind("error", (error) => this.attempt?.told(codeIn(error)));
    for (const channel of channels) this.#subscribe(channel);
  }

  /** A socket was made. */
  attempted() {
    this.attempt = new Attempt(this);
    return this.attempt;
  }

  #subscribe(name) {
    const channel = this.pusher.subscribe(name);
    const record = (kind, ...fields) => this.write(kind, this.name, name, ...fields);
    channel.bind("pusher:subscription_succeeded", (members) => record("subscribed", roster(members)));
    channel.bind("news", ({ number }) => record("received", number));
    channel.bind("pusher:member_added", ({ id }) => record("announced", id, true));
    channel.bind("pusher:member_removed", ({ id }) => record("announced", id, false));
  }
}

/** One attempt to connect, and the connection that comes of it. */
class Attempt {
  constructor(guest) {
    this.guest = guest;
    this.isEstablished = false;
    this.isOver = false;
    this.code = undefined; // of the last error that pusher-js told of
    this.status = undefined; // of the answer to the handshake
    this.error = undefined; // of the socket
    guest.write("attempt", guest.name);
  }

  answered(status) {
    this.status = status;
  }

  broke(error) {
    this.error = error;
  }

  established() {
    this.isEstablished = true;
    this.guest.write("established", this.guest.name);
  }

  /** pusher-js emitted an error: its code if it is the one of a close frame, or of a connection without any. */
  told({ code, isClose }) {
    this.code = code;
    if (isClose) this.#finish();
  }

  /** The socket is gone. */
  ended() {
    this.#finish();
  }

  #finish() {
    if (this.isOver) return;
    this.isOver = true;
    const { name, write } = this.guest;
    if (this.isEstablished) write("closed", name, this.code ?? NORMAL);
    else write("failed", name, this.#reason());
  }

  #reason() {
    if (this.error === "ECONNREFUSED") return "refused";
    if (this.status !== undefined && this.status !== 101) return `status ${this.status}`;
    return this.code === undefined || this.code === ABNORMAL ? "cut off" : String(this.code);
  }
}

/** pusher-js emits what a pusher:error says, then what the close frame says, then that with the action it takes. */
function codeIn({ type, data, error }) {
  if (type === "WebSocketError") return { code: error?.data?.code, isClose: true };
  return { code: data?.code, isClose: false };
}

function roster(members) {
  if (members?.members === undefined) return null;
  return Object.keys(members.members);
}
