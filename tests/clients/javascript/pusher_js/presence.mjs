/** pusher-js: who is in a channel, and what its members are told of each other. */

import assert from "node:assert/strict";
import { check } from "../checks.mjs";

check("the first member finds itself, and nobody else", async (stage) => {
  const client = await stage.connectAs({ user_id: "ana", user_info: { name: "Ana", tags: ["ü"] } });
  const { channel, events } = await stage.subscribe(client, stage.name("presence-"));
  await stage.settled(client);
  assert.equal(channel.members.count, 1);
  assert.deepEqual(channel.members.me, { id: "ana", info: { name: "Ana", tags: ["ü"] } });
  assert.deepEqual(events.of("pusher:member_added"), []);
});

check("a member is told of another that comes and goes", async (stage) => {
  const name = stage.name("presence-");
  const ana = await stage.connectAs({ user_id: "ana" });
  const { channel, events } = await stage.subscribe(ana, name);
  const ben = await stage.connectAs({ user_id: "ben", user_info: { age: 3 } });
  const joined = await stage.subscribe(ben, name);
  assert.deepEqual(await events.wait("pusher:member_added"), { id: "ben", info: { age: 3 } });
  assert.deepEqual(Object.keys(joined.channel.members.members).sort(), ["ana", "ben"]);
  ben.unsubscribe(name);
  assert.deepEqual(await events.wait("pusher:member_removed"), { id: "ben", info: { age: 3 } });
  assert.equal(channel.members.count, 1);
});

check("who closes its connection is gone", async (stage) => {
  const name = stage.name("presence-");
  const ana = await stage.connectAs({ user_id: "ana" });
  const { events } = await stage.subscribe(ana, name);
  const ben = await stage.connectAs({ user_id: "ben" });
  await stage.subscribe(ben, name);
  ben.disconnect();
  assert.equal((await events.wait("pusher:member_removed")).id, "ben");
});

check("several tabs of a user are one member, from the first that opens to the last that closes", async (stage) => {
  const name = stage.name("presence-");
  const ana = await stage.connectAs({ user_id: "ana" });
  const { channel, events } = await stage.subscribe(ana, name);
  const tabs = await Promise.all([1, 2, 3].map(() => stage.connectAs({ user_id: "ben" })));
  const joined = [];
  for (const tab of tabs) joined.push(await stage.subscribe(tab, name));
  for (const tab of tabs.slice(1)) tab.unsubscribe(name);
  await stage.settled(...tabs);
  await stage.settled(ana);
  assert.deepEqual(events.names().slice(1), ["pusher:member_added"]);
  assert.deepEqual(joined.map((tab) => tab.channel.members.count), [2, 2, 2]);
  assert.deepEqual(joined.map((tab) => tab.events.of("pusher:member_added")), [[], [], []]);
  tabs[0].unsubscribe(name);
  await events.wait("pusher:member_removed");
  assert.equal(channel.members.count, 1);
});

check("a user id that was signed as a number is a string for everybody", async (stage) => {
  const name = stage.name("presence-");
  const ana = await stage.connectAs({ user_id: 1 });
  const { channel, events } = await stage.subscribe(ana, name);
  assert.deepEqual(Object.keys(channel.members.members), ["1"]);
  assert.equal(channel.members.me.id, 1); // pusher-js keeps the id as the endpoint gave it.
  const ben = await stage.connectAs({ user_id: 2 });
  await stage.subscribe(ben, name);
  assert.equal((await events.wait("pusher:member_added")).id, "2");
  ben.unsubscribe(name);
  assert.equal((await events.wait("pusher:member_removed")).id, "2");
});

check("a member without user_info has none", async (stage) => {
  const name = stage.name("presence-");
  const ana = await stage.connectAs({ user_id: "ana" });
  const { channel, events } = await stage.subscribe(ana, name);
  assert.equal(channel.members.me.info, null);
  await stage.subscribe(await stage.connectAs({ user_id: "ben" }), name);
  assert.equal((await events.wait("pusher:member_added")).info, undefined);
});

check("many who come at once all end with the same roster", async (stage) => {
  const name = stage.name("presence-");
  const ids = Array.from({ length: 20 }, (_, index) => `user-${index}`);
  const clients = await Promise.all(ids.map((user_id) => stage.connectAs({ user_id })));
  const joined = await Promise.all(clients.map((client) => stage.subscribe(client, name)));
  await stage.settled(...clients);
  for (const { channel, events } of joined) {
    assert.deepEqual(Object.keys(channel.members.members).sort(), [...ids].sort());
    assert.equal(channel.members.count, ids.length);
    const added = events.of("pusher:member_added").map(({ id }) => id);
    assert.equal(new Set(added).size, added.length);
  }
});

check("coming and going in one breath ends with the truth for everybody", async (stage) => {
  const name = stage.name("presence-");
  // Signed at once: an endpoint's answer would come after the ping by which settled() knows that all is done.
  const customHandler = ({ socketId, channelName }, callback) =>
    callback(null, stage.backend.authorizeChannel(socketId, channelName, { user_id: "ben" }));
  const ana = await stage.connectAs({ user_id: "ana" });
  const ben = await stage.connect({ channelAuthorization: { customHandler } });
  const { channel, events } = await stage.subscribe(ana, name);
  await stage.subscribe(ben, name);
  for (let round = 0; round < 5; round++) {
    ben.unsubscribe(name);
    ben.subscribe(name);
  }
  ben.unsubscribe(name);
  // pusher-js takes a pending subscription back only once it is confirmed.
  await stage.settled(ben);
  await stage.settled(ben);
  await stage.settled(ana);
  assert.deepEqual(Object.keys(channel.members.members), ["ana"]);
  const changes = events.names().filter((event) => event.startsWith("pusher:member_"));
  changes.forEach((event, index) => assert.equal(event, `pusher:member_${index % 2 ? "removed" : "added"}`));
});

check("channel data without a user id fires the channel's error handler", async (stage) => {
  const client = await stage.connectAs({ user_info: {} });
  const name = stage.name("presence-");
  const refused = stage.record(client.subscribe(name));
  const { error } = await refused.wait("pusher:subscription_error");
  assert.equal(error, `channel_data must include a user_id when subscribing to presence channels (${name})`);
});

check("a user_info that is no object fires the channel's error handler", async (stage) => {
  const client = await stage.connectAs({ user_id: "ana", user_info: "Ana" });
  const refused = stage.record(client.subscribe(stage.name("presence-")));
  assert.match((await refused.wait("pusher:subscription_error")).error, /user_info .* is invalid/);
});

check("a full channel refuses a new user, but not another tab of a member", async (stage) => {
  const backend = stage.backendOf("narrow");
  const join = (user_id) =>
    stage.connect({
      app: "narrow",
      channelAuthorization: {
        customHandler: ({ socketId, channelName }, callback) =>
          callback(null, backend.authorizeChannel(socketId, channelName, { user_id })),
      },
    });
  const name = stage.name("presence-");
  for (const user of ["ana", "ben", "ben"]) await stage.subscribe(await join(user), name);
  const refused = stage.record((await join("eve")).subscribe(name));
  assert.match((await refused.wait("pusher:subscription_error")).error, /over capacity/);
});
