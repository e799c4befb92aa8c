/** Paints a board's operations on a canvas, on the screen or into a picture that is kept. */
import { getStroke } from "perfect-freehand";

/** @typedef {import("./ops.js").Op} Op */

const COLOURS = /** @type {Record<string, string>} */ ({
  ink: "#14201d", red: "#d1242f", blue: "#0b61d8", green: "#15803d", yellow: "#facc15", white: "#ffffff",
});

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Op[]} ops that stand
 * @param {number} width of the board in the canvas' pixels
 * @param {number} height
 */
export function paint(context, ops, width, height) {
  for (const { op, body } of ops) {
    context.fillStyle = COLOURS[body.colour] ?? "#14201d";
    if (op === "text") write(context, body, width, height);
    else context.fill(outline(body, width, height));
  }
}

/** @param {import("./ops.js").StrokeBody} body @param {number} width @param {number} height */
function outline({ points, size }, width, height) {
  const simulatePressure = points.every(([, , pressure]) => pressure === 0.5);
  const places = points.map(([x, y, pressure]) => [x * width, y * height, pressure]);
  const around = getStroke(places, { size: Math.max(1.5, size * width), thinning: 0.4, smoothing: 0.5, streamline: 0.4, simulatePressure });
  const path = new Path2D();
  around.forEach(([x = 0, y = 0], index) => {
    const [nextX = x, nextY = y] = around[(index + 1) % around.length] ?? [];
    if (index === 0) path.moveTo(x, y);
    path.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2);
  });
  path.closePath();
  return path;
}

/** @param {CanvasRenderingContext2D} context @param {import("./ops.js").TextBody} body @param {number} width @param {number} height */
function write(context, { x, y, text, size }, width, height) {
  const pixels = size * width;
  context.font = `600 ${pixels}px "Atkinson Hyperlegible Next", system-ui, sans-serif`;
  context.textBaseline = "top";
  text.split("\n").forEach((line, index) => context.fillText(line, x * width, y * height + index * pixels * 1.25));
}

/**
 * The board as a picture.
 * @param {Op[]} ops that stand
 * @param {number} ratio height by width
 * @param {CanvasImageSource | null} below what was drawn over; null: white paper
 * @returns {Promise<Blob>}
 */
export async function picture(ops, ratio, below) {
  const canvas = document.createElement("canvas");
  canvas.width = 1600;
  canvas.height = Math.round(1600 * ratio);
  const context = canvas.getContext("2d");
  if (!context) throw new Error("no canvas");
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  if (below) context.drawImage(below, 0, 0, canvas.width, canvas.height);
  paint(context, ops, canvas.width, canvas.height);
  return new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), "image/png"));
}
