/** How loud a stream is, about fifteen times a second. */
import { levels } from "../line/media.js";

/**
 * @param {MediaStream} stream
 * @param {(level: number) => void} heard from 0 to 1
 * @returns {() => void} how to stop
 */
export function levelOf(stream, heard) {
  const meter = levels(stream);
  const timer = setInterval(() => heard(meter.level()), 66);
  return () => {
    clearInterval(timer);
    meter.stop();
  };
}
