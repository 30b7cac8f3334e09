/** pusher-js: channels that remember their last event. */

import assert from "node:assert/strict";
import { check } from "../checks.mjs";

const KINDS = ["cache-", "private-cache-", "presence-cache-"];

check("a channel without an event tells of the miss after the confirmation", async (stage) => {
  const client = await stage.connectAs({ user_id: "ana" });
  for (const kind of KINDS) {
    const { events } = await stage.subscribe(client, stage.name(kind));
    await events.wait("pusher:cache_miss");
    await stage.settled(client);
    assert.deepEqual(heard(events), ["pusher:subscription_succeeded", "pusher:cache_miss"]);
  }
});

check("who joins gets the last event after the confirmation, and no other", async (stage) => {
  const client = await stage.connectAs({ user_id: "ana" });
  for (const kind of KINDS) {
    const name = stage.name(kind);
    await stage.backend.trigger(name, "event", "first");
    await stage.backend.trigger(name, "event", "last");
    const { events } = await stage.subscribe(client, name);
    await stage.settled(client);
    assert.deepEqual(heard(events), ["pusher:subscription_succeeded", "event"]);
    assert.deepEqual(events.of("event"), ["last"]);
  }
});

check("what is remembered outlives the last subscriber", async (stage) => {
  const client = await stage.connect();
  const { channel, events } = await stage.subscribe(client, stage.name("cache-"));
  await stage.backend.trigger(channel.name, "event", 1);
  await events.wait("event");
  client.disconnect();
  const again = await stage.subscribe(await stage.connect(), channel.name);
  assert.equal(await again.events.wait("event"), 1);
});

check("who is there already gets an event once", async (stage) => {
  const client = await stage.connect();
  const { channel, events } = await stage.subscribe(client, stage.name("cache-"));
  await stage.backend.trigger(channel.name, "event", 1);
  await stage.settled(client);
  assert.deepEqual(events.of("event"), [1]);
});

check("an event that excluded its author is remembered for the author too", async (stage) => {
  const client = await stage.connect();
  const name = stage.name("cache-");
  await stage.backend.trigger(name, "event", 1, { socket_id: client.connection.socket_id });
  const { events } = await stage.subscribe(client, name);
  assert.equal(await events.wait("event"), 1);
});

check("a client's event is not remembered", async (stage) => {
  const [ana, ben] = await Promise.all([stage.connectAs(), stage.connectAs()]);
  const { channel } = await stage.subscribe(ana, stage.name("private-cache-"));
  channel.trigger("client-event", 1);
  await stage.settled(ana);
  const { events } = await stage.subscribe(ben, channel.name);
  await events.wait("pusher:cache_miss");
});

/** The names of the events of a channel, without the one that tells only numbers. */
function heard(events) {
  return events.names().filter((event) => event !== "pusher:subscription_count");
}
