/** pusher-js: events from client to client. */

import assert from "node:assert/strict";
import { check } from "../checks.mjs";

check("a client event reaches the others and not its sender", async (stage) => {
  for (const kind of ["private-", "presence-", "private-cache-"]) {
    const [ana, ben] = await two(stage, stage.name(kind));
    ana.channel.trigger("client-event", { text: "zażółć \u{1F41F}" });
    assert.deepEqual(await ben.events.wait("client-event"), { text: "zażółć \u{1F41F}" });
    await stage.settled(ana.client);
    assert.deepEqual(ana.events.of("client-event"), []);
  }
});

check("in a presence channel the receiver learns who sent it", async (stage) => {
  const [ana, ben] = await two(stage, stage.name("presence-"));
  const heard = new Promise((resolve) => ben.channel.bind("client-event", (data, about) => resolve([data, about])));
  ana.channel.trigger("client-event", "hello");
  assert.deepEqual(await heard, ["hello", { user_id: "ana" }]);
});

check("client events keep their order, as far as the limit lets them through", async (stage) => {
  const [ana, ben] = await two(stage, stage.name("private-"));
  const numbers = Array.from({ length: 10 }, (_, index) => index);
  for (const number of numbers) ana.channel.trigger("client-event", number);
  await ben.events.wait("client-event", numbers.length);
  assert.deepEqual(ben.events.of("client-event"), numbers);
});

check("what is above the limit is answered with 4301, the rest is delivered, the connection stays", async (stage) => {
  const [ana, ben] = await two(stage, stage.name("private-"));
  const connection = stage.record(ana.client.connection);
  const sent = 30;
  for (let number = 0; number < sent; number++) ana.channel.trigger("client-event", number);
  await stage.settled(ana.client);
  await stage.settled(ben.client);
  const codes = stage.errors(connection).map(({ code }) => code);
  assert.ok(codes.length > 0);
  assert.deepEqual(new Set(codes), new Set([4301]));
  assert.equal(ben.events.of("client-event").length, sent - codes.length);
  assert.ok(ben.events.of("client-event").length >= 10);
  assert.equal(ana.client.connection.state, "connected");
});

check("a client event in a public channel is an error and reaches nobody", async (stage) => {
  const [ana, ben] = await two(stage, stage.name());
  const connection = stage.record(ana.client.connection);
  ana.channel.trigger("client-event", 1);
  await connection.wait("error");
  assert.deepEqual(stage.errors(connection), [
    { code: null, message: "Client event rejected - only supported on private and presence channels" },
  ]);
  await stage.settled(ben.client);
  assert.deepEqual(ben.events.of("client-event"), []);
});

check("a client event in a channel that was never joined is an error and reaches nobody", async (stage) => {
  const [ana] = await two(stage, stage.name("private-"));
  const outsider = await stage.connectAs();
  const connection = stage.record(outsider.connection);
  outsider.send_event("client-event", 1, ana.channel.name);
  await connection.wait("error");
  assert.match(stage.errors(connection)[0].message, /^Cannot broadcast client event \(connection not subscribed/);
  await stage.settled(ana.client);
  assert.deepEqual(ana.events.of("client-event"), []);
});

check("an application that didn't enable client events answers them with an error", async (stage) => {
  const backend = stage.backendOf("plain");
  const customHandler = ({ socketId, channelName }, callback) =>
    callback(null, backend.authorizeChannel(socketId, channelName));
  const client = await stage.connect({ app: "plain", channelAuthorization: { customHandler } });
  const connection = stage.record(client.connection);
  const { channel } = await stage.subscribe(client, stage.name("private-"));
  channel.trigger("client-event", 1);
  await connection.wait("error");
  assert.equal(stage.errors(connection)[0].code, null);
  assert.match(stage.errors(connection)[0].message, /^To send client events, you must enable this feature/);
});

check("a client event above the size limit is an error and reaches nobody", async (stage) => {
  const [ana, ben] = await two(stage, stage.name("private-"));
  const connection = stage.record(ana.client.connection);
  ana.channel.trigger("client-event", "x".repeat(10_241));
  await connection.wait("error");
  ana.channel.trigger("client-event", "x".repeat(10_240));
  await ben.events.wait("client-event");
  assert.equal(ben.events.of("client-event").length, 1);
});

/** Two users in the same channel. */
async function two(stage, name) {
  const users = ["ana", "ben"].map(async (user_id) => {
    const client = await stage.connectAs({ user_id });
    return { client, ...(await stage.subscribe(client, name)) };
  });
  return Promise.all(users);
}
