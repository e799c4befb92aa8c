/**
 * What to do when nothing arrives any more, and when: one rung after the other until something does.
 *
 *   1 s    look whether the line to the server is alive (if not, it is opened again at once)
 *   then   restart ICE, as soon as that line is open
 *   5 s    a new connection (the old one is kept to 15 s while the other page answers nothing: its path is the broken one)
 *   15 s   a new connection through the relay only
 *   20 s   offer the phone; the relay is tried again every 15 s
 *
 * Times count from the last sign of life. A rung that needs the other side waits for the line to the server, and leaves
 * the one before it as long as it would have had. Knows no clock, no network: it is told and answers what to do.
 *
 * @typedef {"check" | "restart" | "rebuild" | "relay" | "phone"} Rung
 */
export const STALLED_AFTER = 1_000;
export const REBUILD_AFTER = 5_000;
export const RELAY_AFTER = 15_000;
export const PHONE_AFTER = 20_000;
const CHECK_AGAIN = 2_000; // and a second more each time: a slow network needs longer to open a line
const CHECK_AT_MOST = 6_000;

export class Ladder {
  aliveAt = 0;
  isNew = true;
  stalled = false;
  offered = false;
  /** @type {number | null} */
  checkedAt = null;
  checks = 0;
  /** @type {number | null} */
  restartedAt = null;
  /** @type {number | null} */
  rebuiltAt = null;
  /** @type {number | null} */
  relayedAt = null;

  /** @param {number} now milliseconds, on any clock @param {boolean} isNew nothing has ever arrived on this connection */
  constructor(now, isNew = true) {
    this.begin(now, isNew);
  }

  /** From the bottom: a connection was made. @param {number} now @param {boolean} isNew */
  begin(now, isNew = true) {
    this.aliveAt = now;
    this.isNew = isNew; // being set up takes a while, and is not yet a loss
    this.stalled = this.offered = false;
    this.checks = 0;
    this.checkedAt = this.restartedAt = this.rebuiltAt = this.relayedAt = null;
  }

  /** Something arrived. @param {number} now @returns {number | null} how long nothing had, if that was a loss */
  alive(now) {
    const lost = this.stalled ? now - this.aliveAt : null;
    this.begin(now, false);
    return lost;
  }

  /**
   * @param {number} now
   * @param {boolean} live is the line to the server open, and known to be since the loss?
   * @param {boolean} failed does the browser say that the connection has failed?
   * @param {boolean} answered has the other page answered the last offer? If not, it would not hear of a new connection
   * @returns {Rung[]} what to do now
   */
  tick(now, live, failed = false, answered = true) {
    const silent = now - this.aliveAt;
    if (!failed && silent < (this.isNew ? REBUILD_AFTER : STALLED_AFTER)) return [];
    const first = !this.stalled;
    this.stalled = true;
    /** @type {Rung[]} */
    const rungs = [];
    if (first || (!live && now - (this.checkedAt ?? 0) >= Math.min(CHECK_AGAIN + 1_000 * (this.checks - 1), CHECK_AT_MOST))) {
      this.checkedAt = now;
      this.checks += 1;
      rungs.push("check");
    }
    if (silent >= PHONE_AFTER && !this.offered) {
      this.offered = true;
      rungs.push("phone");
    }
    if (live && !first) rungs.push(...this.climb(now, silent, answered));
    return rungs;
  }

  /** @param {number} now @param {number} silent @param {boolean} answered @returns {Rung[]} */
  climb(now, silent, answered) {
    if (this.restartedAt === null && !this.isNew) {
      this.restartedAt = now;
      return ["restart"];
    }
    const restarted = this.restartedAt ?? this.aliveAt;
    if (this.rebuiltAt === null) {
      if (silent < (answered ? REBUILD_AFTER : RELAY_AFTER) || now - restarted < REBUILD_AFTER - STALLED_AFTER) return [];
      this.rebuiltAt = now;
      return ["rebuild"];
    }
    const since = this.relayedAt === null ? RELAY_AFTER - REBUILD_AFTER : RELAY_AFTER;
    if (silent < RELAY_AFTER || now - (this.relayedAt ?? this.rebuiltAt) < since) return [];
    this.relayedAt = now;
    return ["relay"];
  }
}
