/** Laravel Echo: all kinds of channels, as a Laravel application uses them. */

import assert from "node:assert/strict";
import Echo from "laravel-echo";
import Pusher from "pusher-js";
import { check } from "../checks.mjs";
import { as, endpoint } from "../endpoint.mjs";
import { apps, clientOptions } from "../setting.mjs";

check("an event of a public channel reaches its listener, by Laravel's name or by its own", async (stage) => {
  const echo = await open(stage);
  const name = stage.name();
  const heard = [];
  const channel = echo.channel(name);
  channel.listen("OrderShipped", (data) => heard.push(["class", data]));
  channel.listen(".order.shipped", (data) => heard.push(["name", data]));
  await told(channel.subscribed.bind(channel));
  await stage.backend.trigger(name, "App\\Events\\OrderShipped", { order: { id: 1 } });
  await stage.backend.trigger(name, "order.shipped", { order: { id: 2 } });
  await stage.settled(echo.connector.pusher);
  assert.deepEqual(heard, [["class", { order: { id: 1 } }], ["name", { order: { id: 2 } }]]);
});

check("the broadcaster reverb works as pusher does", async (stage) => {
  const { cluster, ...options } = clientOptions();
  const echo = await open(stage, { broadcaster: "reverb", ...options });
  const channel = echo.channel(stage.name());
  await told(channel.subscribed.bind(channel));
});

check("a private channel is joined with the application's endpoint, and receives", async (stage) => {
  const echo = await open(stage);
  const channel = echo.private(stage.name());
  await told(channel.subscribed.bind(channel));
  const heard = told((callback) => channel.listen(".event", callback));
  await stage.backend.trigger(channel.name, "event", { a: 1 });
  assert.deepEqual(await heard, { a: 1 });
});

check("a notification reaches its user's private channel", async (stage) => {
  const echo = await open(stage);
  const channel = echo.private(`App.Models.User.${stage.name()}`);
  await told(channel.subscribed.bind(channel));
  const heard = told(channel.notification.bind(channel));
  const event = "Illuminate\\Notifications\\Events\\BroadcastNotificationCreated";
  await stage.backend.trigger(channel.name, event, { id: "n-1", type: "Paid" });
  assert.deepEqual(await heard, { id: "n-1", type: "Paid" });
});

check("a forged signature fires error()", async (stage) => {
  const echo = await open(stage, { authEndpoint: `${await endpoint()}/forge` });
  const channel = echo.private(stage.name());
  const { type, status } = await told(channel.error.bind(channel));
  assert.deepEqual([type, status], ["AuthError", 401]);
});

check("an endpoint that refuses fires error()", async (stage) => {
  const echo = await open(stage, { authEndpoint: `${await endpoint()}/refuse` });
  const channel = echo.join(stage.name());
  assert.equal((await told(channel.error.bind(channel))).status, 403);
});

check("members of a presence channel see who is here, joining and leaving", async (stage) => {
  const name = stage.name();
  const [ana, ben] = await Promise.all(["Ana", "Ben"].map((user) => open(stage, { user })));
  const channel = ana.join(name);
  assert.deepEqual(await told(channel.here.bind(channel)), [{ name: "Ana" }]);
  const joining = told(channel.joining.bind(channel));
  const other = ben.join(name);
  const here = await told(other.here.bind(other));
  assert.deepEqual(here.map((member) => member.name).sort(), ["Ana", "Ben"]);
  assert.deepEqual(await joining, { name: "Ben" });
  const leaving = told(channel.leaving.bind(channel));
  ben.leave(name);
  assert.deepEqual(await leaving, { name: "Ben" });
});

check("a whisper is heard by the others and not by its sender", async (stage) => {
  for (const kind of ["private", "join"]) {
    const name = stage.name();
    const [ana, ben] = await Promise.all(["Ana", "Ben"].map((user) => open(stage, { user })));
    const [own, other] = [ana[kind](name), ben[kind](name)];
    await Promise.all([own, other].map((channel) => told(channel.subscribed.bind(channel))));
    const echoed = [];
    own.listenForWhisper("typing", (data) => echoed.push(data));
    const heard = told((callback) => other.listenForWhisper("typing", callback));
    own.whisper("typing", { name: "Ana" });
    assert.deepEqual(await heard, { name: "Ana" });
    await stage.settled(ana.connector.pusher);
    assert.deepEqual(echoed, []);
  }
});

check("an encrypted channel decrypts", async (stage) => {
  const echo = await open(stage);
  const channel = echo.encryptedPrivate(stage.name());
  await told(channel.subscribed.bind(channel));
  const heard = told((callback) => channel.listen(".event", callback));
  await stage.backend.trigger(channel.name, "event", { secret: "ü" });
  assert.deepEqual(await heard, { secret: "ü" });
});

check("toOthers() spares the connection whose socket id the request carried", async (stage) => {
  const [ana, ben] = await Promise.all([open(stage), open(stage)]);
  const name = stage.name();
  const heard = [];
  for (const [who, echo] of Object.entries({ ana, ben })) {
    const channel = echo.channel(name).listen(".event", () => heard.push(who));
    await told(channel.subscribed.bind(channel));
  }
  await stage.backend.trigger(name, "event", {}, { socket_id: ana.socketId() });
  await stage.settled(ana.connector.pusher, ben.connector.pusher);
  assert.deepEqual(heard, ["ben"]);
});

check("leave() leaves all kinds of channels of a name", async (stage) => {
  const echo = await open(stage);
  const name = stage.name();
  const channels = [echo.channel(name), echo.private(name), echo.join(name), echo.encryptedPrivate(name)];
  await Promise.all(channels.map((channel) => told(channel.subscribed.bind(channel))));
  const connection = stage.record(echo.connector.pusher.connection);
  echo.leave(name);
  await stage.settled(echo.connector.pusher);
  for (const channel of channels) await stage.backend.trigger(channel.name, "event", {});
  await stage.settled(echo.connector.pusher);
  assert.deepEqual(stage.messages(connection, "event"), []);
});

check("connectionStatus() follows the connection", async (stage) => {
  const echo = await open(stage);
  assert.equal(echo.connectionStatus(), "connected");
  echo.disconnect();
  assert.equal(echo.connectionStatus(), "disconnected");
  const unknown = new Echo(await options({ key: "nobody" }));
  stage.clients.push(unknown.connector.pusher);
  await stage.record(unknown.connector.pusher.connection).wait("disconnected");
  assert.equal(unknown.connectionStatus(), "disconnected");
});

async function options({ user = "Ana", ...more } = {}) {
  const base = await endpoint();
  return {
    broadcaster: "pusher",
    Pusher,
    key: apps.main.key,
    ...clientOptions(),
    authEndpoint: `${base}/authorize`,
    auth: { headers: as({ user_id: user, user_info: { name: user } }) },
    ...more,
  };
}

/** An Echo that is connected. */
async function open(stage, more) {
  const echo = new Echo(await options(more));
  stage.clients.push(echo.connector.pusher);
  await stage.connected(echo.connector.pusher);
  return echo;
}

/** Wait until a method that takes a callback calls it. */
function told(method) {
  return new Promise((resolve) => method(resolve));
}
