/** What a request of the official HTTP library for Node came to. */

import assert from "node:assert/strict";

/** Return the JSON of a success. */
export async function answer(request) {
  const response = await request;
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "application/json");
  return response.json();
}

/** Return the status and the body of a refusal, as the library's error shows them. */
export async function refusal(request) {
  const error = await request.then(
    () => assert.fail("was not refused"),
    (reason) => reason,
  );
  assert.equal(error.name, "PusherRequestError", error.stack);
  return { status: error.status, body: error.body };
}
