/** pusher-js: coming, being turned away, and coming again. */

import assert from "node:assert/strict";
import { check } from "../checks.mjs";

check("a client that connects is given a socket id", async (stage) => {
  const client = await stage.connect();
  assert.match(client.connection.socket_id, /^\d+\.\d+$/);
});

check("the client adopts the node's activity timeout", async (stage) => {
  const client = await stage.connect();
  assert.equal(client.connection.activityTimeout, 30_000);
});

check("a path prefix is accepted", async (stage) => {
  const client = await stage.connect({ wsPath: "/some/prefix" });
  assert.equal(client.connection.state, "connected");
});

check("an unknown key is told 4001 and stays away", (stage) =>
  isTurnedAway(stage, { key: "nobody" }, { code: 4001, message: /^App key nobody not in this cluster/ }));

check("a disabled application's client is told 4003 and stays away", (stage) =>
  isTurnedAway(stage, { app: "disabled" }, { code: 4003, message: /disabled/ }));

check("a client above the application's quota is told 4004 and stays away", (stage) =>
  isTurnedAway(stage, { app: "full" }, { code: 4004, message: /quota/ }));

async function isTurnedAway(stage, options, { code, message }) {
  const client = stage.open(options);
  const connection = stage.record(client.connection);
  await connection.wait("error");
  await stage.staysAway(client, connection);
  assert.equal(stage.errors(connection)[0].code, code);
  assert.match(stage.errors(connection)[0].message, message);
}

check("a client of an application that wants TLS is told 4000 and tries TLS", async (stage) => {
  const client = stage.open({ app: "tls" });
  const connection = stage.record(client.connection);
  await connection.wait("error");
  assert.equal(stage.errors(connection)[0].code, 4000);
  await connection.until(() => client.connection.isUsingTLS());
});

check("who isn't authorised in time is told 4009 and stays away, who joined a private channel stays", async (stage) => {
  const authorized = await stage.connect({ app: "authorized", channelAuthorization: signedFor(stage, "authorized") });
  const { channel } = await stage.subscribe(authorized, stage.name("private-"));
  const client = stage.open({ app: "authorized" });
  const connection = stage.record(client.connection);
  await stage.staysAway(client, connection);
  assert.deepEqual(stage.errors(connection)[0], { code: 4009, message: "Connection not authorized within timeout" });
  await stage.settled(authorized);
  assert.equal(channel.subscribed, true);
});

function signedFor(stage, app) {
  const backend = stage.backendOf(app);
  return {
    customHandler: ({ socketId, channelName }, callback) => {
      callback(null, backend.authorizeChannel(socketId, channelName));
    },
  };
}

check("who disconnects and connects again has a new socket id and all its channels back", async (stage) => {
  const client = await stage.connectAs({ user_id: "1" });
  const names = [stage.name(), stage.name("private-"), stage.name("presence-")];
  const records = [];
  for (const name of names) records.push((await stage.subscribe(client, name)).events);
  const before = client.connection.socket_id;
  client.disconnect();
  client.connect();
  await Promise.all(records.map((record) => record.wait("pusher:subscription_succeeded", 2)));
  assert.notEqual(client.connection.socket_id, before);
  await stage.backend.trigger(names, "event", 1);
  await stage.settled(client);
  assert.deepEqual(records.map((record) => record.of("event")), [[1], [1], [1]]);
});

check("a client may have as many channels as the application allows, and the rest is refused", async (stage) => {
  const client = await stage.connect({ app: "narrow" });
  for (let count = 0; count < 3; count++) await stage.subscribe(client, stage.name());
  const refused = stage.record(client.subscribe(stage.name()));
  assert.equal((await refused.wait("pusher:subscription_error")).status, 403);
  await stage.settled(client);
});
