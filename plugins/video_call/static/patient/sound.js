/** Sounds that are made here and not loaded: the one of the check, and the one that says that it begins. */

/** @type {AudioContext | undefined} */
let context;

/** Call it in a press: later sounds may then come by themselves. */
export function allowSound() {
  context ??= new AudioContext();
  if (context.state === "suspended") void context.resume();
}

/**
 * Four rising tones.
 * @param {string} [speaker] a device's id, where the browser can choose
 */
export async function playTest(speaker) {
  allowSound();
  const out = /** @type {(AudioContext & {setSinkId?: (id: string) => Promise<void>}) | undefined} */ (context);
  if (speaker !== undefined && out?.setSinkId) await out.setSinkId(speaker).catch(() => undefined);
  [523, 659, 784, 1047].forEach((pitch, nth) => tone(pitch, nth * 0.28, 0.26));
}

/** Two tones, twice, and a short tremble: the clinician lets the patient in. */
export function playBegin() {
  if (context?.state === "running") [880, 660, 880, 660].forEach((pitch, nth) => tone(pitch, nth * 0.22, 0.2));
  navigator.vibrate?.([200, 100, 200]);
}

/**
 * @param {number} pitch in Hz
 * @param {number} after seconds from now
 * @param {number} length seconds
 */
function tone(pitch, after, length) {
  if (!context) return;
  const begin = context.currentTime + after;
  const source = new OscillatorNode(context, { frequency: pitch });
  const volume = new GainNode(context, { gain: 0 });
  volume.gain.setValueAtTime(0, begin);
  volume.gain.linearRampToValueAtTime(0.35, begin + 0.02);
  volume.gain.exponentialRampToValueAtTime(0.001, begin + length);
  source.connect(volume).connect(context.destination);
  source.start(begin);
  source.stop(begin + length);
}
