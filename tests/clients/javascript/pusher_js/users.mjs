/** pusher-js: signing in, and what is sent to a user, known of a user, and done to a user. */

import assert from "node:assert/strict";
import { check } from "../checks.mjs";
import { endpoint } from "../endpoint.mjs";

check("who signs in by an HTTP endpoint is told what was signed", async (stage) => {
  const user = { id: stage.name("user-"), user_info: { name: "Ana ü" }, watchlist: [] };
  const client = await stage.signIn(user);
  assert.deepEqual(client.user.user_data, user);
});

check("who signs in by a handler of its own receives what is sent to the user", async (stage) => {
  const id = stage.name("user-");
  const customHandler = ({ socketId }, callback) => callback(null, stage.backend.authenticateUser(socketId, { id }));
  const client = await stage.signIn(undefined, { userAuthentication: { customHandler } });
  const user = stage.record(client.user, "user");
  await stage.backend.sendToUser(id, "event", { a: 1 });
  assert.deepEqual(await user.wait("event"), { a: 1 });
});

check("all tabs of a user receive what is sent to the user, and nobody else does", async (stage) => {
  const id = stage.name("user-");
  const tabs = await Promise.all([stage.signIn({ id }), stage.signIn({ id })]);
  const other = await stage.signIn({ id: stage.name("user-") });
  const records = [...tabs, other].map((client) => stage.record(client.user, "user"));
  await stage.backend.sendToUser(id, "event", 1);
  await stage.settled(...tabs, other);
  assert.deepEqual(records.map((record) => record.of("event")), [[1], [1], []]);
});

check("who connects again is signed in again", async (stage) => {
  const id = stage.name("user-");
  const client = await stage.signIn({ id });
  const connection = stage.record(client.connection);
  const user = stage.record(client.user, "user");
  client.disconnect();
  client.connect();
  await connection.until(() => stage.messages(connection, "pusher_internal:subscription_succeeded").length > 0);
  await stage.backend.sendToUser(id, "event", 1);
  assert.equal(await user.wait("event"), 1);
});

check("a forged sign-in is an error without a code, and the connection stays", async (stage) => {
  const userAuthentication = { endpoint: `${await endpoint()}/forge`, transport: "ajax" };
  const client = await stage.connect({ userAuthentication });
  const connection = stage.record(client.connection);
  client.signin();
  await connection.wait("error");
  assert.equal(stage.errors(connection)[0].code, null);
  assert.match(stage.errors(connection)[0].message, /^Invalid signature/);
  await stage.subscribe(client, stage.name());
  assert.equal(client.user.user_data, null);
});

check("a connection can't become somebody else", async (stage) => {
  const client = await stage.signIn({ id: stage.name("user-") });
  const connection = stage.record(client.connection);
  const other = { id: stage.name("user-") };
  client.send_event("pusher:signin", stage.backend.authenticateUser(client.connection.socket_id, other));
  await connection.wait("error");
  assert.deepEqual(stage.messages(connection, "pusher:signin_success"), []);
});

check("a user's own channel is closed to everybody else", async (stage) => {
  const id = stage.name("user-");
  await stage.signIn({ id });
  const client = await stage.connect();
  const connection = stage.record(client.connection);
  client.send_event("pusher:subscribe", { channel: `#server-to-user-${id}`, auth: "" });
  await connection.wait("error");
  await stage.backend.sendToUser(id, "event", 1);
  await stage.settled(client);
  assert.deepEqual(stage.messages(connection, "event"), []);
});

check("who is signed in joins a presence channel as that user, without channel data", async (stage) => {
  const user = { id: stage.name("user-"), user_info: { name: "Ana" } };
  const customHandler = ({ socketId, channelName }, callback) =>
    callback(null, stage.backend.authorizeChannel(socketId, channelName));
  const client = await stage.signIn(user, { channelAuthorization: { customHandler } });
  const { channel } = await stage.subscribe(client, stage.name("presence-"));
  assert.deepEqual(channel.members.me, { id: user.id, info: user.user_info });
});

check("a watchlist tells who is online now, who comes and who goes", async (stage) => {
  const [ben, eve] = [stage.name("user-"), stage.name("user-")];
  const visitor = await stage.signIn({ id: eve });
  const client = await stage.connectAs();
  const watchlist = stage.record(client.user.watchlist, "watchlist");
  client.config.userAuthenticator = ({ socketId }, callback) =>
    callback(null, stage.backend.authenticateUser(socketId, { id: stage.name("user-"), watchlist: [ben, eve] }));
  client.signin();
  assert.deepEqual(await watchlist.wait("online"), { name: "online", user_ids: [eve] });
  assert.deepEqual(await watchlist.wait("offline"), { name: "offline", user_ids: [ben] });
  const friend = await stage.signIn({ id: ben });
  assert.deepEqual(await watchlist.wait("online", 2), { name: "online", user_ids: [ben] });
  friend.disconnect();
  assert.deepEqual(await watchlist.wait("offline", 2), { name: "offline", user_ids: [ben] });
  visitor.disconnect();
  assert.deepEqual(await watchlist.wait("offline", 3), { name: "offline", user_ids: [eve] });
});

check("a watchlist above the limit signs in all the same, with error 4302", async (stage) => {
  const watchlist = Array.from({ length: 101 }, (_, index) => `watched-${index}`);
  const customHandler = ({ socketId }, callback) =>
    callback(null, stage.backend.authenticateUser(socketId, { id: stage.name("user-"), watchlist }));
  const client = await stage.connectAs(undefined, { userAuthentication: { customHandler } });
  const connection = stage.record(client.connection);
  const told = stage.record(client.user.watchlist, "watchlist");
  client.signin();
  await connection.wait("error");
  assert.equal(stage.errors(connection)[0].code, 4302);
  assert.equal((await told.wait("offline")).user_ids.length, 100);
});

check("a user whose connections are terminated is told 4009 everywhere and stays away, others stay", async (stage) => {
  const id = stage.name("user-");
  const tabs = await Promise.all([stage.signIn({ id }), stage.signIn({ id })]);
  const other = await stage.signIn({ id: stage.name("user-") });
  const connections = tabs.map((tab) => stage.record(tab.connection));
  await stage.backend.terminateUserConnections(id);
  await Promise.all(tabs.map((tab, index) => stage.staysAway(tab, connections[index])));
  for (const connection of connections) assert.equal(stage.errors(connection)[0].code, 4009);
  await stage.settled(other);
  assert.equal(other.connection.state, "connected");
});

check("who was terminated may come again when it asks to", async (stage) => {
  const client = await stage.signIn({ id: stage.name("user-") });
  const connection = stage.record(client.connection);
  await stage.backend.terminateUserConnections(client.user.user_data.id);
  await connection.wait("disconnected");
  client.connect();
  await connection.until(() => stage.messages(connection, "pusher_internal:subscription_succeeded").length > 0);
});
