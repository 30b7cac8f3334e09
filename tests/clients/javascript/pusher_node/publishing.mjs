/** The official HTTP library for Node: publishing. */

import assert from "node:assert/strict";
import { check } from "../checks.mjs";
import { createBackend } from "../setting.mjs";
import { answer, refusal } from "./answers.mjs";

check("an event is accepted with exactly an empty object", async (stage) => {
  const response = await stage.backend.trigger(stage.name(), "event", { a: 1 });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "application/json");
  assert.equal(await response.text(), "{}");
});

check("an event to a hundred channels is accepted, to more it isn't", async (stage) => {
  const names = Array.from({ length: 101 }, () => stage.name());
  assert.deepEqual(await answer(stage.backend.trigger(names.slice(1), "event", 1)), {});
  const body = { name: "event", data: "1", channels: names };
  assert.equal((await refusal(stage.backend.post({ path: "/events", body }))).status, 400);
});

check("an event that asks for info is answered with that of each channel", async (stage) => {
  const [client, other] = await Promise.all([stage.connectAs({ user_id: "ana" }), stage.connectAs({ user_id: "ana" })]);
  const [room, hall, empty] = [stage.name("presence-"), stage.name(), stage.name()];
  for (const name of [room, hall]) await stage.subscribe(client, name);
  await stage.subscribe(other, room);
  const info = "user_count,subscription_count";
  assert.deepEqual(await answer(stage.backend.trigger([room, hall, empty], "event", 1, { info })), {
    channels: {
      [room]: { user_count: 1, subscription_count: 2 },
      [hall]: { subscription_count: 1 },
      [empty]: { subscription_count: 0 },
    },
  });
});

check("the socket that an event excludes may be one that doesn't exist", async (stage) => {
  const client = await stage.connect();
  const { channel, events } = await stage.subscribe(client, stage.name());
  await stage.backend.trigger(channel.name, "event", 1, { socket_id: "123.456" });
  assert.equal(await events.wait("event"), 1);
});

check("a batch delivers each event to its channel, but to the socket that it excludes", async (stage) => {
  const client = await stage.connect();
  const [first, second] = [await stage.subscribe(client, stage.name()), await stage.subscribe(client, stage.name())];
  const batch = [
    { channel: first.channel.name, name: "event", data: { a: 1 } },
    { channel: second.channel.name, name: "event", data: "text" },
    { channel: second.channel.name, name: "event", data: "hidden", socket_id: client.connection.socket_id },
  ];
  const response = await stage.backend.triggerBatch(batch);
  assert.equal(await response.text(), "{}");
  await stage.settled(client);
  assert.deepEqual(first.events.of("event"), [{ a: 1 }]);
  assert.deepEqual(second.events.of("event"), ["text"]);
});

check("a batch in which an event asks for info is answered with one item for each", async (stage) => {
  const client = await stage.connectAs({ user_id: "ana" });
  const { channel } = await stage.subscribe(client, stage.name("presence-"));
  const batch = [
    { channel: channel.name, name: "event", data: 1, info: "user_count" },
    { channel: channel.name, name: "event", data: 1 },
    { channel: stage.name(), name: "event", data: 1, info: "subscription_count" },
  ];
  assert.deepEqual(await answer(stage.backend.triggerBatch(batch)), {
    batch: [{ user_count: 1 }, {}, { subscription_count: 0 }],
  });
});

check("eleven events are too many for a batch, and none of them is published", async (stage) => {
  const client = await stage.connect();
  const { channel, events } = await stage.subscribe(client, stage.name());
  const batch = Array.from({ length: 11 }, () => ({ channel: channel.name, name: "event", data: 1 }));
  const { status, body } = await refusal(stage.backend.triggerBatch(batch));
  assert.deepEqual([status, body], [400, "Batch too large (11 > 10)\n"]);
  await stage.settled(client);
  assert.deepEqual(events.of("event"), []);
});

check("a batch with an event for several channels is refused", async (stage) => {
  const body = { batch: [{ channels: [stage.name()], name: "event", data: "1" }] };
  assert.deepEqual(await refusal(stage.backend.post({ path: "/batch_events", body })), {
    status: 400,
    body: "Missing required parameter: channel\n",
  });
});

check("data of 10240 bytes is accepted, one byte more is too large", async (stage) => {
  const half = "ü".repeat(5_120);
  assert.deepEqual(await answer(stage.backend.trigger(stage.name(), "event", half)), {});
  assert.deepEqual(await refusal(stage.backend.trigger(stage.name(), "event", `${half}x`)), {
    status: 413,
    body:
      "The data content of this event exceeds the allowed maximum (10240 bytes). See " +
      "https://pusher.com/docs/channels/server_api/http-api#publishing-events for more info\n",
  });
});

check("a name of 200 characters is accepted, a longer one and the protocol's own are not", async (stage) => {
  assert.deepEqual(await answer(stage.backend.trigger(stage.name(), "ü".repeat(200), 1)), {});
  for (const name of ["x".repeat(201), "pusher:subscribe", "pusher_internal:member_added", ""]) {
    const body = { name, data: "1", channels: [stage.name()] };
    assert.equal((await refusal(stage.backend.post({ path: "/events", body }))).status, 400, name);
  }
});

check("data and names that aren't text are refused", async (stage) => {
  const channels = [stage.name()];
  const wrong = [{ name: 1, data: "1" }, { name: "event", data: null }, { name: "event" }];
  const bodies = wrong.map((fields) => ({ ...fields, channels }));
  const refusals = await Promise.all(bodies.map((body) => refusal(stage.backend.post({ path: "/events", body }))));
  assert.deepEqual(refusals.map(({ status }) => status), [400, 400, 400]);
  assert.equal(refusals[0].body, "Expected name parameter to be a string\n");
});

check("an event is sent to a user, signed in or not", async (stage) => {
  assert.deepEqual(await answer(stage.backend.sendToUser(stage.name("user-"), "event", 1)), {});
});

check("the library works without keeping its connections", async (stage) => {
  const backend = createBackend({ agent: undefined });
  assert.deepEqual(await answer(backend.trigger(stage.name(), "event", 1)), {});
});
