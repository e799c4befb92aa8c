/**
 * A board as a list of operations: what is on it, what a finger is over. Pure functions; the same operations in the same
 * order give the same board everywhere, and one that arrives twice counts once.
 *
 * @typedef {{points: [number, number, number][], colour: string, size: number}} StrokeBody
 * @typedef {{x: number, y: number, text: string, colour: string, size: number}} TextBody
 * @typedef {{key: string, op: "stroke" | "text" | "erase" | "clear", body: any, author?: string, number?: number}} Op
 */

/**
 * In the order of everybody: that of the server's numbers. What has none yet is younger than all that have one.
 * @param {Iterable<Op>} ops
 */
function ordered(ops) {
  return [...ops].sort((a, b) => (a.number ?? Infinity) - (b.number ?? Infinity) || 0);
}

/**
 * A board as the server has it, with what it does not know yet: what is still to be sent, and what came since it was asked.
 * @param {Map<string, Op>} log
 * @param {Op[]} read by the server, from the last clearing on
 * @param {(op: Op) => boolean} isYoung was it put there since, or is it ours to send?
 * @returns {Map<string, Op>}
 */
export function merged(log, read, isYoung) {
  const kept = new Map(read.map((op) => [op.key, op]));
  const last = read[read.length - 1]?.number ?? 0;
  for (const [key, op] of log) {
    if (!kept.has(key) && (op.number === undefined ? isYoung(op) : op.number > last)) kept.set(key, op);
  }
  return kept;
}

/**
 * What is on the board after these operations, oldest first.
 * @param {Iterable<Op>} ops
 * @returns {Op[]}
 */
export function standing(ops) {
  /** @type {Map<string, Op>} */
  const there = new Map();
  /** @type {Set<string>} */
  const seen = new Set();
  for (const op of ordered(ops)) {
    if (seen.has(op.key)) continue;
    seen.add(op.key);
    if (op.op === "clear") there.clear();
    else if (op.op === "erase") for (const key of op.body.of) there.delete(key);
    else there.set(op.key, op);
  }
  return [...there.values()];
}

/**
 * What is at a place: lines that pass nearby, words that lie over it.
 * @param {Op[]} ops that stand
 * @param {number} x
 * @param {number} y
 * @param {number} reach as a share of the board's width
 * @param {number} ratio height by width
 * @returns {string[]} keys
 */
export function at(ops, x, y, reach, ratio) {
  return ops.filter((one) => (one.op === "text" ? overText(one.body, x, y, ratio) : overStroke(one.body, x, y, reach, ratio))).map((one) => one.key);
}

/** @param {TextBody} body @param {number} x @param {number} y @param {number} ratio */
function overText({ x: left, y: top, text, size }, x, y, ratio) {
  const lines = text.split("\n");
  const width = Math.max(...lines.map((line) => line.length)) * size * 0.6;
  return x >= left && x <= left + width && y >= top && y <= top + (lines.length * size * 1.25) / ratio;
}

/** @param {StrokeBody} body @param {number} x @param {number} y @param {number} reach @param {number} ratio */
function overStroke({ points, size }, x, y, reach, ratio) {
  const far = reach + size / 2;
  return points.some(([ax, ay], index) => {
    const [bx, by] = points[Math.max(0, index - 1)] ?? [ax, ay];
    return distance(x, y * ratio, ax, ay * ratio, bx, by * ratio) <= far;
  });
}

/** From a point to a line between two others. @param {number} x @param {number} y @param {number} ax @param {number} ay @param {number} bx @param {number} by */
function distance(x, y, ax, ay, bx, by) {
  const [dx, dy] = [bx - ax, by - ay];
  const along = dx || dy ? Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy))) : 0;
  return Math.hypot(x - ax - along * dx, y - ay - along * dy);
}

/** Four digits are finer than any screen. @param {number} share */
export function short(share) {
  return Math.round(Math.min(1.2, Math.max(-0.2, share)) * 10_000) / 10_000;
}
