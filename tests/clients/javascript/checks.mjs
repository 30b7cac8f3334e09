/** Named checks, run side by side. What each came to is one line of JSON on standard output. */

import { Stage } from "./stage.mjs";

const TIMEOUT_MS = 40_000; // Longer than anything takes that works, even on a busy machine.

const checks = [];

/** Add a check; `body` is given a stage of its own, and fails by throwing. */
export function check(name, body) {
  checks.push({ name, body });
}

/** Run them all. They share a process and a node, so each keeps to channels and users of its own. */
export async function runChecks() {
  await Promise.all(checks.map(report));
}

async function report({ name, body }) {
  const stage = new Stage();
  let detail = "";
  try {
    await withinLimit(body(stage), stage);
  } catch (error) {
    detail = String(error?.stack ?? error);
  }
  stage.clear();
  console.log(JSON.stringify({ name, ok: detail === "", detail }));
}

async function withinLimit(work, stage) {
  let timer;
  const limit = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing more happened; seen so far:\n${stage.story()}`)), TIMEOUT_MS);
  });
  try {
    await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
