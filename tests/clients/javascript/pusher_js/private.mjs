/** pusher-js: private channels, and who may join them. */

import assert from "node:assert/strict";
import { check } from "../checks.mjs";
import { endpoint } from "../endpoint.mjs";

check("who is signed for by an HTTP endpoint joins and receives", async (stage) => {
  const client = await stage.connectAs();
  const { channel, events } = await stage.subscribe(client, stage.name("private-"));
  await stage.backend.trigger(channel.name, "event", { a: 1 });
  assert.deepEqual(await events.wait("event"), { a: 1 });
});

check("who is signed for by a handler of its own joins and receives", async (stage) => {
  const client = await stage.connect({ channelAuthorization: answering((...asked) => sign(stage, ...asked)) });
  const { channel, events } = await stage.subscribe(client, stage.name("private-"));
  await stage.backend.trigger(channel.name, "event", 1);
  assert.equal(await events.wait("event"), 1);
});

check("what is signed along with a private channel does no harm", async (stage) => {
  const data = { user_id: "7", note: "for the endpoint's own use: ü" };
  const client = await stage.connectAs(data);
  await stage.subscribe(client, stage.name("private-"));
});

check("a forged signature fires the channel's error handler and the connection's, which goes on", async (stage) => {
  const client = await stage.connectAs(undefined, { channelAuthorization: await forging() });
  const connection = stage.record(client.connection);
  const name = stage.name("private-");
  const refused = stage.record(client.subscribe(name));
  const { type, status, error } = await refused.wait("pusher:subscription_error");
  assert.deepEqual([type, status], ["AuthError", 401]);
  assert.match(error, /^Invalid signature: Expected HMAC SHA256 hex digest of [\d.]+:private-\w+, but got 0{64}$/);
  await connection.wait("error");
  assert.deepEqual(stage.errors(connection), [{ code: null, message: error }]);
  await stage.backend.trigger(name, "event", 1);
  await stage.settled(client);
  assert.deepEqual(refused.of("event"), []);
  await stage.subscribe(client, stage.name());
});

check("a signature by another application's key is refused", async (stage) => {
  const other = stage.backendOf("plain");
  const handler = ({ socketId, channelName }) => other.authorizeChannel(socketId, channelName);
  const client = await stage.connect({ channelAuthorization: answering(handler) });
  const refused = stage.record(client.subscribe(stage.name("private-")));
  const { error } = await refused.wait("pusher:subscription_error");
  assert.match(error, /^Invalid key in subscription auth data: 'key-1002'$/);
});

check("a signature for another socket is refused", async (stage) => {
  const handler = ({ channelName }) => stage.backend.authorizeChannel("1.1", channelName);
  const client = await stage.connect({ channelAuthorization: answering(handler) });
  const refused = stage.record(client.subscribe(stage.name("private-")));
  assert.equal((await refused.wait("pusher:subscription_error")).status, 401);
});

check("no signature at all is refused", async (stage) => {
  const client = await stage.connect({ channelAuthorization: answering(() => ({ auth: "" })) });
  const refused = stage.record(client.subscribe(stage.name("private-cache-")));
  assert.equal((await refused.wait("pusher:subscription_error")).status, 401);
});

check("an endpoint that refuses leaves the connection as it is", async (stage) => {
  const channelAuthorization = { endpoint: `${await endpoint()}/refuse`, transport: "ajax" };
  const client = await stage.connect({ channelAuthorization });
  const refused = stage.record(client.subscribe(stage.name("private-")));
  assert.equal((await refused.wait("pusher:subscription_error")).status, 403);
  await stage.settled(client);
});

function answering(handler) {
  return { customHandler: (asked, callback) => callback(null, handler(asked)) };
}

function sign(stage, { socketId, channelName }) {
  return stage.backend.authorizeChannel(socketId, channelName);
}

async function forging() {
  return { endpoint: `${await endpoint()}/forge`, transport: "ajax" };
}
