/** pusher-js: channels that need no authorisation. */

import assert from "node:assert/strict";
import { check } from "../checks.mjs";

check("an event's data arrives as it was published, whatever JSON it is", async (stage) => {
  const client = await stage.connect();
  const { channel, events } = await stage.subscribe(client, stage.name());
  const values = [{ text: "zażółć \u{1F41F} \u2028", nested: [1, { a: null }] }, [], "words", "", "{broken", 0.5, true];
  for (const value of values) await stage.backend.trigger(channel.name, "event", value);
  await events.wait("event", values.length);
  assert.deepEqual(events.of("event"), values);
});

check("a subscription is confirmed once, with an empty object", async (stage) => {
  const client = await stage.connect();
  const { events } = await stage.subscribe(client, stage.name());
  await stage.settled(client);
  assert.deepEqual(events.of("pusher:subscription_succeeded"), [{}]);
});

check("a channel subscribed to before the connection stands is joined when it does", async (stage) => {
  const client = stage.open();
  const { channel, events } = await stage.subscribe(client, stage.name());
  await stage.backend.trigger(channel.name, "event", 1);
  assert.equal(await events.wait("event"), 1);
});

check("events come in the order in which they were published", async (stage) => {
  const client = await stage.connect();
  const { channel, events } = await stage.subscribe(client, stage.name());
  const numbers = Array.from({ length: 50 }, (_, index) => index);
  for (let start = 0; start < numbers.length; start += 10) {
    const batch = numbers.slice(start, start + 10);
    await stage.backend.triggerBatch(batch.map((data) => ({ channel: channel.name, name: "event", data })));
  }
  await events.wait("event", numbers.length);
  assert.deepEqual(events.of("event"), numbers);
});

check("one event to many channels reaches the subscribers of each once", async (stage) => {
  const client = await stage.connect();
  const names = Array.from({ length: 100 }, () => stage.name());
  const joined = await Promise.all(names.slice(40, 43).map((name) => stage.subscribe(client, name)));
  const all = stage.record(client, "all channels");
  await stage.backend.trigger(names, "event", "hello");
  await stage.settled(client);
  for (const { events } of joined) assert.deepEqual(events.of("event"), ["hello"]);
  assert.deepEqual(all.of("event"), ["hello", "hello", "hello"]);
});

check("the socket that an event excludes does not get it, others do", async (stage) => {
  const [author, reader] = await Promise.all([stage.connect(), stage.connect()]);
  const name = stage.name();
  const [own, other] = await Promise.all([stage.subscribe(author, name), stage.subscribe(reader, name)]);
  await stage.backend.trigger(name, "event", 1, { socket_id: author.connection.socket_id });
  await stage.settled(author, reader);
  assert.deepEqual(own.events.of("event"), []);
  assert.deepEqual(other.events.of("event"), [1]);
});

check("nothing arrives from a channel that was left", async (stage) => {
  const client = await stage.connect();
  const { channel } = await stage.subscribe(client, stage.name());
  const connection = stage.record(client.connection);
  client.unsubscribe(channel.name);
  await stage.settled(client);
  await stage.backend.trigger(channel.name, "event", 1);
  await stage.settled(client);
  assert.deepEqual(stage.messages(connection, "event"), []);
});

check("subscribing, leaving and subscribing in one breath leaves one live subscription", async (stage) => {
  const client = await stage.connect();
  const name = stage.name();
  for (let round = 0; round < 5; round++) {
    client.subscribe(name);
    client.unsubscribe(name);
  }
  const { events } = await stage.subscribe(client, name);
  await stage.settled(client);
  await stage.backend.trigger(name, "event", 1);
  await stage.settled(client);
  assert.deepEqual(events.of("event"), [1]);
  assert.equal(await subscriptions(stage, name), 1);
});

check("leaving and coming back at once, on an established subscription, works", async (stage) => {
  const client = await stage.connect();
  const { channel } = await stage.subscribe(client, stage.name());
  for (let round = 0; round < 5; round++) {
    client.unsubscribe(channel.name);
    client.subscribe(channel.name);
  }
  const again = await stage.subscribe(client, channel.name);
  await stage.settled(client);
  await stage.backend.trigger(channel.name, "event", 1);
  await stage.settled(client);
  assert.deepEqual(again.events.of("event"), [1]);
  assert.equal(await subscriptions(stage, channel.name), 1);
});

check("leaving before the confirmation leaves nobody in the channel", async (stage) => {
  const client = await stage.connect();
  const name = stage.name();
  client.subscribe(name);
  client.unsubscribe(name);
  // pusher-js takes it back only once it is confirmed, so the second answer is the one that counts.
  await stage.settled(client);
  await stage.settled(client);
  assert.equal(await subscriptions(stage, name), 0);
});

check("subscribers are told how many they are", async (stage) => {
  const [first, second] = await Promise.all([stage.connect(), stage.connect()]);
  const { channel, events } = await stage.subscribe(first, stage.name());
  await events.until(() => channel.subscriptionCount === 1);
  const other = await stage.subscribe(second, channel.name);
  await Promise.all([events, other.events].map((record) => record.until(() => last(record) === 2)));
  second.unsubscribe(channel.name);
  await events.until(() => last(events) === 1);
});

check("a name that no channel can have fires the channel's error handler and the connection stays", async (stage) => {
  const client = await stage.connect();
  const names = ["with blank", "slash/ed", "ünï", "x".repeat(165)];
  const records = names.map((name) => stage.record(client.subscribe(name)));
  const told = await Promise.all(records.map((record) => record.wait("pusher:subscription_error")));
  assert.deepEqual(told.map(({ status }) => status), [400, 400, 400, 400]);
  const { channel } = await stage.subscribe(client, stage.name("x".repeat(152)));
  assert.equal(channel.name.length, 164);
});

check("an answer to what nobody knows is an error without a code, and the connection stays", async (stage) => {
  const client = await stage.connect();
  const connection = stage.record(client.connection);
  client.send_event("pusher:nonsense", {});
  client.send_event("nonsense", {}, stage.name());
  await connection.wait("error", 2);
  assert.deepEqual(stage.errors(connection).map(({ code }) => code), [null, null]);
  assert.match(stage.errors(connection)[0].message, /Unsupported event received on socket: pusher:nonsense/);
  await stage.settled(client);
  assert.equal(client.connection.state, "connected");
});

async function subscriptions(stage, name) {
  const response = await stage.backend.get({ path: `/channels/${name}`, params: { info: "subscription_count" } });
  return (await response.json()).subscription_count;
}

function last(record) {
  return record.of("pusher:subscription_count").at(-1)?.subscription_count;
}
