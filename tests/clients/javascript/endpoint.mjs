/** The part of a customer's back end that signs: what pusher-js asks over HTTP before it joins or signs in. */

import http from "node:http";
import { createBackend } from "./setting.mjs";

const backend = createBackend();
let address; // a promise of the base URL, once somebody asked

/** Return the base URL of the endpoint, which is one for the whole process. */
export function endpoint() {
  address ??= new Promise((resolve) => {
    const server = http.createServer(answer).listen(0, "127.0.0.1", () => {
      resolve(`http://127.0.0.1:${server.address().port}`);
    });
    server.unref();
  });
  return address;
}

/** Return the headers that tell the endpoint who is asking, where a real one would look at a cookie. */
export function as(user) {
  return user === undefined ? {} : { "X-User": encodeURIComponent(JSON.stringify(user)) };
}

const routes = {
  "/authorize": ({ socket_id, channel_name }, user) => backend.authorizeChannel(socket_id, channel_name, user),
  "/authenticate": ({ socket_id }, user) => backend.authenticateUser(socket_id, user),
  "/forge": () => ({ auth: `${backend.config.token.key}:${"0".repeat(64)}`, user_data: '{"id":"mallory"}' }),
};

async function answer(request, response) {
  const body = [];
  for await (const chunk of request) body.push(chunk);
  const fields = Object.fromEntries(new URLSearchParams(Buffer.concat(body).toString()));
  const user = request.headers["x-user"] && JSON.parse(decodeURIComponent(request.headers["x-user"]));
  const route = routes[request.url];
  response.writeHead(route ? 200 : 403, { "Content-Type": "application/json" });
  response.end(JSON.stringify(route ? route(fields, user) : { error: "no" }));
}
