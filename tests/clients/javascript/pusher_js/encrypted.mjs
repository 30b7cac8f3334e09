/** pusher-js: channels whose events the node can't read. */

import assert from "node:assert/strict";
import { check } from "../checks.mjs";
import { createBackend } from "../setting.mjs";

check("what the back end encrypts is decrypted by the client", async (stage) => {
  const client = await stage.connectAs();
  const { channel, events } = await stage.subscribe(client, stage.name("private-encrypted-"));
  const values = [{ text: "zażółć \u{1F41F}" }, "words", [1, null]];
  for (const value of values) await stage.backend.trigger(channel.name, "event", value);
  await events.wait("event", values.length);
  assert.deepEqual(events.of("event"), values);
});

check("the node passes on nothing but the nonce and the ciphertext", async (stage) => {
  const client = await stage.connectAs();
  const connection = stage.record(client.connection);
  const { channel } = await stage.subscribe(client, stage.name("private-encrypted-"));
  await stage.backend.trigger(channel.name, "event", "secret words");
  await connection.until(() => stage.messages(connection, "event").length);
  const { data } = stage.messages(connection, "event")[0];
  assert.deepEqual(Object.keys(data).sort(), ["ciphertext", "nonce"]);
});

check("a batch may have encrypted events among others", async (stage) => {
  const client = await stage.connectAs();
  const hidden = await stage.subscribe(client, stage.name("private-encrypted-"));
  const plain = await stage.subscribe(client, stage.name());
  await stage.backend.triggerBatch([
    { channel: hidden.channel.name, name: "event", data: 1 },
    { channel: plain.channel.name, name: "event", data: 2 },
  ]);
  assert.equal(await hidden.events.wait("event"), 1);
  assert.equal(await plain.events.wait("event"), 2);
});

check("after a change of the key the client asks for the new one, while it stays subscribed", async (stage) => {
  const rotated = createBackend({ encryptionMasterKeyBase64: Buffer.alloc(32, "another").toString("base64") });
  let backend = stage.backend;
  const customHandler = ({ socketId, channelName }, callback) =>
    callback(null, backend.authorizeChannel(socketId, channelName));
  const client = await stage.connect({ channelAuthorization: { customHandler } });
  const { channel, events } = await stage.subscribe(client, stage.name("private-encrypted-"));
  await backend.trigger(channel.name, "event", "before");
  backend = rotated;
  await backend.trigger(channel.name, "event", "after");
  await events.wait("event", 2);
  assert.deepEqual(events.of("event"), ["before", "after"]);
});

check("the last event of an encrypted cache channel is there for who comes later", async (stage) => {
  const name = stage.name("private-encrypted-cache-");
  await stage.backend.trigger(name, "event", { a: 1 });
  const { events } = await stage.subscribe(await stage.connectAs(), name);
  assert.deepEqual(await events.wait("event"), { a: 1 });
});
