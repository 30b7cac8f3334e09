/** What npm's pusher makes of webhook requests: those on standard input, as JSON. */

import Pusher from "pusher";

let text = "";
for await (const chunk of process.stdin) text += chunk;
const { key, secret, requests } = JSON.parse(text);
const pusher = new Pusher({ appId: "1", key, secret, cluster: "local" });

const read = requests.map(({ headers, rawBody }) => {
  const webhook = pusher.webhook({ headers, rawBody });
  const isValid = webhook.isValid();
  return { isValid, events: isValid ? webhook.getEvents() : [], time: isValid ? webhook.getTime().getTime() : 0 };
});
console.log(JSON.stringify(read));
