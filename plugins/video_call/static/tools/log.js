/**
 * What was drawn on the boards of a call, in the order of everybody. What this page draws is there at once; it is said to
 * the server until that took it, and taken away on all sides where it did not.
 */
import { merged } from "./ops.js";

/** @typedef {import("./ops.js").Op} Op */
/** @typedef {"page" | "screen"} Name */

const AGAIN = 3000;

export class Log {
  /**
   * @param {import("./host.js").Tools} tools
   * @param {{changed: () => void, refused: (reason: string) => void}} page
   */
  constructor({ room, signal }, { changed, refused }) {
    this.room = room;
    this.signal = signal;
    this.changed = changed;
    this.refused = refused;
    /** @type {Record<Name, Map<string, Op>>} */
    this.boards = { page: new Map(), screen: new Map() };
    /** What the server has not taken yet, oldest first. @type {Map<string, {board: Name, op: Op}>} */
    this.pending = new Map();
    this.sending = false;
  }

  /** @param {Name} board @param {Op["op"]} op @param {any} body @param {string} key */
  put(board, op, body, key) {
    /** @type {Op} */
    const made = { key, op, body, author: this.room.me?.id };
    this.boards[board].set(key, made);
    this.pending.set(key, { board, op: made });
    this.changed();
    return this.send(board, made);
  }

  /** @param {Name} board @param {Op} made */
  async send(board, made) {
    const { key, op, body } = made;
    const answer = await this.room.stroke({ board, op, body, key });
    if (["disconnected", "timeout"].includes(answer.reason ?? "")) {
      setTimeout(() => void this.again(), AGAIN);
      return;
    }
    if (!this.pending.delete(key)) return;
    if (answer.ok) made.number = /** @type {{number: number}} */ (answer.answer).number;
    else {
      this.boards[board].delete(key);
      this.room.retract({ board, key });
      this.refused(answer.reason ?? "");
    }
    this.changed();
  }

  /** What the server did not answer is said again, one after the other: each counts once. */
  async again() {
    if (this.sending || this.signal.aborted) return;
    this.sending = true;
    for (const { board, op } of [...this.pending.values()]) await this.send(board, op);
    this.sending = false;
  }

  /** From somebody else, past the server or through it. @param {{from: string, board: Name, op: Op["op"] | "retract", body: any, key: string, number?: number}} said */
  hear({ from, board, op, body, key, number }) {
    const log = this.boards[board];
    const known = log?.get(key);
    if (!log || (op === "retract" && known?.author !== from)) return;
    if (op === "retract") log.delete(key);
    else if (known) known.number ??= number;
    else log.set(key, { key, op, body, author: from, number });
    this.changed();
  }

  /** @param {Name} board @param {() => Promise<{strokes: Op[]}>} fetched what the server has */
  async read(board, fetched) {
    const before = new Set(this.boards[board].keys());
    const { strokes } = await fetched();
    // What came on the line while the server answered is younger than what it kept.
    this.boards[board] = merged(this.boards[board], strokes, ({ key }) => this.pending.has(key) || !before.has(key));
    this.changed();
  }
}
