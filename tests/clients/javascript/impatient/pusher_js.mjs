/** pusher-js on a node that asks whoever is silent for a second, and asks again who has answered. */

import assert from "node:assert/strict";
import { check } from "../checks.mjs";

check("an idle client stays connected by pings of its own", async (stage) => {
  const client = await stage.connect();
  const connection = stage.record(client.connection);
  await connection.until(() => stage.messages(connection, "pusher:pong").length >= 2);
  assert.equal(client.connection.state, "connected");
  assert.deepEqual(connection.of("connecting"), []);
});

check("a client that only listens to a busy channel answers the node's pings and stays connected", async (stage) => {
  // What it receives keeps pusher-js from asking, so the node has to. It asks again only who answered.
  const client = await stage.connect();
  const { channel } = await stage.subscribe(client, stage.name());
  const connection = stage.record(client.connection);
  const busy = setInterval(() => stage.backend.trigger(channel.name, "event", 1), 100);
  await connection.until(() => stage.messages(connection, "pusher:ping").length >= 2);
  clearInterval(busy);
  assert.equal(client.connection.state, "connected");
  assert.deepEqual(connection.of("connecting"), []);
});
