/** All that an emitter of pusher-js emits, in order, and a way to wait for it. */

export class Recorder {
  constructor(emitter, name) {
    this.name = name;
    this.events = []; // { event, data }
    this.waiting = new Set(); // functions that look at the events again
    emitter.bind_global((event, data) => {
      this.events.push({ event, data });
      for (const look of [...this.waiting]) look();
    });
  }

  /** The data of all events of this name so far. */
  of(event) {
    return this.events.filter((recorded) => recorded.event === event).map((recorded) => recorded.data);
  }

  /** The names of all events so far. */
  names() {
    return this.events.map((recorded) => recorded.event);
  }

  /** Wait until an event has come `count` times; return the data of that last one. */
  async wait(event, count = 1) {
    await this.until(() => this.of(event).length >= count);
    return this.of(event)[count - 1];
  }

  /** Wait until a condition holds, which is looked at whenever something is emitted. */
  until(condition) {
    return new Promise((resolve, reject) => {
      const look = () => {
        try {
          if (!condition()) return;
          resolve();
        } catch (error) {
          reject(error);
        }
        this.waiting.delete(look);
      };
      this.waiting.add(look);
      look();
    });
  }

  /** What came, for the message of a check that waited in vain. */
  toString() {
    return `${this.name}: ${this.events.map(({ event, data }) => `${event} ${brief(data)}`).join(" | ")}`;
  }
}

function brief(data) {
  try {
    return JSON.stringify(data)?.slice(0, 200) ?? "";
  } catch {
    return "(circular)";
  }
}
