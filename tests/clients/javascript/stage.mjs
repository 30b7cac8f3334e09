/** What one check works with: clients that end with it, names that no other check has, and ways to wait. */

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import Pusher from "pusher-js";
import { as, endpoint } from "./endpoint.mjs";
import { Recorder } from "./recorder.mjs";
import { apps, clientOptions, createBackend } from "./setting.mjs";

// pusher-js comes back after 0 or 1000 ms from all that it comes back from.
const LONGER_THAN_A_RETRY_MS = 1_300;

export class Stage {
  constructor() {
    this.clients = [];
    this.recorders = [];
    this.backend = createBackend();
  }

  /** Return a name that begins like this and is used nowhere else. */
  name(prefix = "") {
    return `${prefix}${randomBytes(6).toString("hex")}`;
  }

  /** Return the back end of another application than the main one. */
  backendOf(app) {
    return createBackend({ app });
  }

  /** Record what an emitter of pusher-js emits from now on. */
  record(emitter, name = emitter.name ?? "connection") {
    const recorder = new Recorder(emitter, name);
    this.recorders.push(recorder);
    return recorder;
  }

  /** Return a client that is connecting. */
  open({ app = "main", key = apps[app].key, ...options } = {}) {
    const client = new Pusher(key, { ...clientOptions(), ...options });
    this.clients.push(client);
    return client;
  }

  /** Return a client that is connected. */
  async connect(options) {
    const client = this.open(options);
    await this.connected(client);
    return client;
  }

  /** Return a connected client for which the HTTP endpoint signs, as for this user. */
  async connectAs(user, options) {
    const base = await endpoint();
    return this.connect({
      channelAuthorization: { endpoint: `${base}/authorize`, transport: "ajax", headers: as(user) },
      ...options,
    });
  }

  /** Return a connected client that has signed in. */
  async signIn(user, options) {
    const base = await endpoint();
    const client = await this.connectAs(undefined, {
      userAuthentication: { endpoint: `${base}/authenticate`, transport: "ajax", headers: as(user) },
      ...options,
    });
    client.signin();
    const connection = this.record(client.connection);
    // Its own channel comes last, and only then events for the user arrive.
    await connection.until(() => this.messages(connection, "pusher_internal:subscription_succeeded").length > 0);
    return client;
  }

  /** Wait until a client is connected. */
  async connected(client) {
    if (client.connection.state === "connected") return;
    await this.record(client.connection).wait("connected");
  }

  /** Subscribe, wait for the success, and return the channel and the record of what it emits. */
  async subscribe(client, name) {
    const channel = client.subscribe(name);
    const events = this.record(channel);
    await events.wait("pusher:subscription_succeeded");
    return { channel, events };
  }

  /** Wait until all has arrived that the node sent so far: how a check sees that something did not come. */
  async settled(...clients) {
    await Promise.all(clients.map((client) => this.#settled(client)));
  }

  async #settled(client) {
    const connection = this.record(client.connection);
    client.send_event("pusher:ping", {});
    await connection.until(() => this.messages(connection, "pusher:pong").length > 0);
  }

  /** The messages of one event among what a connection emitted. */
  messages(connection, event) {
    return connection.of("message").filter((message) => message.event === event);
  }

  /** The codes and texts of the errors that the node told a connection of. */
  errors(connection) {
    return connection.of("error").map((error) => error.data ?? error.error?.data);
  }

  /** Check that a client has given up, as it should, instead of coming back. */
  async staysAway(client, connection) {
    await connection.wait("disconnected");
    const attempts = connection.of("connecting").length;
    await new Promise((resolve) => setTimeout(resolve, LONGER_THAN_A_RETRY_MS));
    assert.equal(client.connection.state, "disconnected");
    assert.equal(connection.of("connecting").length, attempts);
  }

  /** What was recorded, for people. */
  story() {
    return this.recorders.map(String).join("\n");
  }

  /** Let go of all clients. */
  clear() {
    for (const client of this.clients) client.disconnect();
  }
}
