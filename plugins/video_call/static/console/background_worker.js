/**
 * Finds the person in each picture and puts another background behind them. A module worker with a policy of its own
 * (console.py): it may compile WebAssembly, and fetches from our own host alone.
 */

const WIDTH = 640;
const LOOK_AFTER = 30; // frames, before the machine is judged
const TOO_SLOW = 120; // milliseconds a frame, for half of them
const SMALL = 24; // the blur is a picture this small, drawn large again

/** @type {any} */
let finder;
let which = "blur";
let colour = "#0d5f5a";
/** A picture of the practice. @type {ImageBitmap | null} */
let scene = null;
/** @type {number[]} */
let times = [];
let clock = 0;
const canvas = new OffscreenCanvas(WIDTH, 480);
const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
const mask = new OffscreenCanvas(WIDTH, 480);
const masking = /** @type {OffscreenCanvasRenderingContext2D} */ (mask.getContext("2d"));
const tiny = new OffscreenCanvas(SMALL, SMALL);
const shrinking = /** @type {OffscreenCanvasRenderingContext2D} */ (tiny.getContext("2d"));

addEventListener("message", ({ data }) => {
  if (data.type === "start") void start(data.urls);
  else if (data.type === "background") use(data);
  else if (data.type === "frames") void frames(data.readable, data.writable);
  else if (data.type === "picture") one(data.picture);
});

/** The runtime reports its every start as an error; what matters is told to the page. */
for (const level of /** @type {const} */ (["log", "info", "warn", "error"])) console[level] = () => undefined;

/** @param {{bundle: string, loader: string, wasm: string, model: string}} urls */
async function start(urls) {
  try {
    const { ImageSegmenter } = await import(urls.bundle);
    finder = await ImageSegmenter.createFromOptions(
      { wasmLoaderPath: urls.loader, wasmBinaryPath: urls.wasm },
      {
        baseOptions: { modelAssetPath: urls.model, delegate: "CPU" },
        canvas: new OffscreenCanvas(1, 1),
        runningMode: "VIDEO",
        outputConfidenceMasks: true,
        outputCategoryMask: false,
      },
    );
    postMessage({ type: "ready" });
  } catch {
    postMessage({ type: "failed" });
  }
}

/** @param {{which: string, colour: string, picture: ImageBitmap | null}} wanted */
function use(wanted) {
  scene?.close();
  ({ which, colour, picture: scene = null } = wanted);
}

/** @param {ReadableStream<VideoFrame>} readable @param {WritableStream<VideoFrame>} writable */
async function frames(readable, writable) {
  const writer = writable.getWriter();
  const reader = readable.getReader(); // it holds one frame: what comes meanwhile is dropped
  try {
    for (;;) {
      const { value: frame, done } = await reader.read();
      if (done) break;
      draw(frame, frame.displayWidth, frame.displayHeight);
      const made = new VideoFrame(canvas, { timestamp: frame.timestamp });
      frame.close();
      await writer.write(made);
    }
    await writer.close();
  } catch {
    // The track was stopped, here or there.
  }
}

/** @param {ImageBitmap} picture */
function one(picture) {
  draw(picture, picture.width, picture.height);
  picture.close();
  const made = canvas.transferToImageBitmap();
  postMessage({ type: "picture", picture: made }, { transfer: [made] });
}

/** @param {CanvasImageSource} picture @param {number} width @param {number} height */
function draw(picture, width, height) {
  const began = performance.now();
  const tall = Math.round((WIDTH * height) / width);
  if (canvas.height !== tall) canvas.height = mask.height = tall;
  context.globalCompositeOperation = "copy";
  context.drawImage(picture, 0, 0, WIDTH, tall);
  clock = Math.max(clock + 1, Math.round(began));
  finder.segmentForVideo(canvas, clock, (/** @type {any} */ found) => {
    const [person] = found.confidenceMasks;
    cut(person.getAsFloat32Array(), person.width, person.height);
  });
  context.globalCompositeOperation = "destination-in";
  context.drawImage(mask, 0, 0);
  context.globalCompositeOperation = "destination-over";
  behind(picture, tall);
  judge(performance.now() - began);
}

/** @param {Float32Array} person how sure each point is one @param {number} width @param {number} height */
function cut(person, width, height) {
  const shape = new ImageData(width, height);
  // Between a quarter and three quarters sure the edge is soft.
  for (let at = 0; at < person.length; at += 1) shape.data[4 * at + 3] = ((person[at] ?? 0) - 0.25) * 510;
  masking.putImageData(shape, 0, 0);
}

/** @param {CanvasImageSource} picture @param {number} tall */
function behind(picture, tall) {
  if (which === "blur") {
    shrinking.imageSmoothingQuality = "high"; // every point counts, so that nothing flickers and no line of text is left
    shrinking.drawImage(picture, 0, 0, SMALL, SMALL);
    context.imageSmoothingQuality = "high";
    context.drawImage(tiny, 0, 0, WIDTH, tall);
    return;
  }
  if (which === "picture" && scene) {
    // It covers all and is cut where it is too tall or too wide.
    const scale = Math.max(WIDTH / scene.width, tall / scene.height);
    const [broad, high] = [scene.width * scale, scene.height * scale];
    context.drawImage(scene, (WIDTH - broad) / 2, (tall - high) / 2, broad, high);
    return;
  }
  const light = context.createLinearGradient(0, 0, WIDTH, tall);
  light.addColorStop(0, colour);
  light.addColorStop(1, "#e8eeec");
  context.fillStyle = light;
  context.fillRect(0, 0, WIDTH, tall);
}

/** @param {number} took milliseconds */
function judge(took) {
  times.push(took);
  if (times.length < LOOK_AFTER) return;
  const middle = times.sort((one, other) => one - other)[LOOK_AFTER / 2] ?? 0;
  times = [];
  if (middle > TOO_SLOW) postMessage({ type: "slow" });
}

export {};
