/** The official HTTP library for Node: asking for channels and users, ending connections, and being refused. */

import assert from "node:assert/strict";
import { check } from "../checks.mjs";
import { apps, createBackend } from "../setting.mjs";
import { answer, refusal } from "./answers.mjs";

check("occupied channels are listed by their prefix, each with an object", async (stage) => {
  const client = await stage.connect();
  const prefix = stage.name();
  assert.deepEqual(await list(stage, { filter_by_prefix: prefix }), { channels: {} });
  for (const suffix of ["-b", "-a"]) await stage.subscribe(client, prefix + suffix);
  const listed = await list(stage, { filter_by_prefix: prefix });
  assert.deepEqual(listed, { channels: { [`${prefix}-a`]: {}, [`${prefix}-b`]: {} } });
  client.unsubscribe(`${prefix}-a`);
  await stage.settled(client);
  assert.deepEqual(await list(stage, { filter_by_prefix: prefix }), { channels: { [`${prefix}-b`]: {} } });
});

check("without a prefix all are listed, but for the channels of users", async (stage) => {
  const user = stage.name("user-");
  const client = await stage.signIn({ id: user });
  const { channel } = await stage.subscribe(client, stage.name());
  const { channels } = await list(stage);
  assert.deepEqual(channels[channel.name], {});
  assert.equal(Object.keys(channels).find((name) => name.startsWith("#")), undefined);
});

check("a listing counts users where all channels have them, and refuses elsewhere", async (stage) => {
  const client = await stage.connectAs({ user_id: "ana" });
  const { channel } = await stage.subscribe(client, stage.name("presence-"));
  const listed = await list(stage, { filter_by_prefix: channel.name, info: "user_count,subscription_count" });
  assert.deepEqual(listed, { channels: { [channel.name]: { user_count: 1, subscription_count: 1 } } });
  assert.deepEqual(await refusal(stage.backend.get({ path: "/channels", params: { info: "user_count" } })), {
    status: 400,
    body:
      "user_count may only be requested for presence channels - " +
      "please supply filter_by_prefix begining with presence-\n",
  });
});

check("a channel tells whether it is occupied, and what is asked of it", async (stage) => {
  const name = stage.name("presence-");
  assert.deepEqual(await describe(stage, name), { occupied: false });
  const info = "user_count,subscription_count";
  assert.deepEqual(await describe(stage, name, info), { occupied: false, user_count: 0, subscription_count: 0 });
  for (const tab of [1, 2]) await stage.subscribe(await stage.connectAs({ user_id: "ana" }), name);
  assert.deepEqual(await describe(stage, name, info), { occupied: true, user_count: 1, subscription_count: 2 });
});

check("a cache channel tells what it remembers, and for how long", async (stage) => {
  const name = stage.name("cache-");
  assert.deepEqual(await describe(stage, name, "cache"), { occupied: false, cache: null });
  await stage.backend.trigger(name, "event", { a: 1 });
  const { cache } = await describe(stage, name, "cache");
  assert.equal(cache.data, '{"a":1}');
  assert.ok(Number.isInteger(cache.ttl) && cache.ttl > 1_700 && cache.ttl <= 1_800, String(cache.ttl));
});

check("asking a channel for what it can't have, or for what nothing has, is refused", async (stage) => {
  assert.deepEqual(await refusal(describe(stage, stage.name(), "user_count")), {
    status: 400,
    body: "Cannot retrieve the user count unless the channel is a presence channel\n",
  });
  for (const path of ["/channels", `/channels/${stage.name()}`]) {
    const { status, body } = await refusal(stage.backend.get({ path, params: { info: "does-not-exist" } }));
    assert.equal(status, 400);
    assert.match(body, /info should be a comma separated list of attributes/);
  }
});

check("the users of a presence channel are listed once each, as strings", async (stage) => {
  const name = stage.name("presence-");
  assert.deepEqual(await answer(stage.backend.get({ path: `/channels/${name}/users` })), { users: [] });
  for (const user_id of ["ana", "ana", 7]) await stage.subscribe(await stage.connectAs({ user_id }), name);
  const { users } = await answer(stage.backend.get({ path: `/channels/${name}/users` }));
  assert.deepEqual(users.map(({ id }) => id).sort(), ["7", "ana"]);
});

check("only presence channels have users", async (stage) => {
  assert.deepEqual(await refusal(stage.backend.get({ path: `/channels/${stage.name()}/users` })), {
    status: 400,
    body: "Users can only be retrieved for presence channels\n",
  });
});

check("ending the connections of a user who has none is accepted with exactly an empty object", async (stage) => {
  const response = await stage.backend.terminateUserConnections(stage.name("user-"));
  assert.equal(await response.text(), "{}");
});

check("an application over its rate is refused with 429", async () => {
  const backend = createBackend({ app: "slow" });
  const channels = Array.from({ length: 100 }, (_, number) => `channel-${number}`);
  await backend.trigger(channels, "event", "x").catch(() => "was over it already");
  const { status, body } = await refusal(backend.trigger("channel", "event", "x"));
  assert.equal(status, 429);
  assert.match(body, /^429 TOO MANY REQUESTS: application 1008 may publish 1 events a second/);
});

check("a wrong secret is refused with what should have been signed", async (stage) => {
  const { status, body } = await refusal(createBackend({ secret: "wrong" }).trigger("channel", "event", 1));
  assert.equal(status, 401);
  const path = `/apps/${apps.main.id}/events`;
  const start = `Invalid signature: you should have sent HmacSHA256Hex("POST\\n${path}\\nauth_key=${apps.main.key}&`;
  assert.equal(body.slice(0, start.length), start);
  assert.match(body, /", your_secret_key\), but you sent "[0-9a-f]{64}"\n$/);
});

check("an unknown key, the key of another application and an unknown application are refused", async () => {
  const backends = [{ key: "nobody" }, { key: apps.plain.key, secret: apps.plain.secret }, { appId: "9" }];
  for (const options of backends) {
    const { status, body } = await refusal(createBackend(options).trigger("channel", "event", 1));
    assert.equal(status, 401, body);
    assert.match(body, /[^\n]\n$/);
  }
});

check("a disabled application is refused", async () => {
  assert.equal((await refusal(createBackend({ app: "disabled" }).trigger("channel", "event", 1))).status, 403);
});

check("a path that doesn't exist is refused as such", async (stage) => {
  assert.deepEqual(await refusal(stage.backend.get({ path: "/nothing" })), { status: 404, body: "404 NOT FOUND\n" });
});

function list(stage, params) {
  return answer(stage.backend.get({ path: "/channels", params }));
}

function describe(stage, name, info) {
  return answer(stage.backend.get({ path: `/channels/${name}`, params: info && { info } }));
}
