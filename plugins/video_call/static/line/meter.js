/**
 * What a connection's figures say: does anything arrive, and how good is it.
 *
 * @typedef {{bytes: number, frames: number, rtt: number | null, loss: number | null, kbps: number | null,
 *   fps: number | null, relay: boolean}} Figures
 */

export class Meter {
  constructor() {
    this.at = 0;
    this.bytes = 0;
    this.frames = 0;
    this.lost = 0;
    this.packets = 0;
    /** @type {Figures} */
    this.last = { bytes: 0, frames: 0, rtt: null, loss: null, kbps: null, fps: null, relay: false };
  }

  /** @param {RTCPeerConnection} pc @param {number} now milliseconds @returns {Promise<Figures>} */
  async read(pc, now) {
    const report = await pc.getStats();
    let [bytes, video, frames, lost, packets] = [0, 0, 0, 0, 0];
    /** @type {any} */
    let pair = null;
    report.forEach((entry) => {
      if (entry.type === "inbound-rtp") {
        bytes += entry.bytesReceived ?? 0;
        lost += entry.packetsLost ?? 0;
        packets += entry.packetsReceived ?? 0;
        if (entry.kind === "video") {
          frames += entry.framesDecoded ?? 0;
          video += entry.bytesReceived ?? 0;
        }
      } else if (entry.type === "data-channel") bytes += entry.bytesReceived ?? 0;
      else if (entry.type === "candidate-pair" && entry.nominated && entry.state === "succeeded") {
        if (!pair || (entry.bytesReceived ?? 0) > (pair.bytesReceived ?? 0)) pair = entry;
      }
    });
    const seconds = (now - this.at) / 1000;
    const due = this.at === 0 || seconds >= 2;
    const ends = pair ? [report.get(pair.localCandidateId), report.get(pair.remoteCandidateId)] : [];
    this.last = { ...this.last, bytes, frames, relay: ends.some((end) => end?.candidateType === "relay") };
    if (due) {
      const known = this.at > 0 && bytes >= this.bytes;
      const sent = packets - this.packets + Math.max(0, lost - this.lost);
      this.last.rtt = pair?.currentRoundTripTime === undefined ? null : Math.round(pair.currentRoundTripTime * 1000);
      this.last.loss = known && sent > 0 ? round((100 * Math.max(0, lost - this.lost)) / sent) : null;
      this.last.kbps = known ? Math.round(((video - this.video) * 8) / 1000 / seconds) : null;
      this.last.fps = known ? Math.round((frames - this.frames) / seconds) : null;
      [this.at, this.bytes, this.frames, this.lost, this.packets, this.video] = [now, bytes, frames, lost, packets, video];
    }
    return this.last;
  }

  video = 0;

  get weak() {
    return (this.last.loss ?? 0) > 5 || (this.last.rtt ?? 0) > 400;
  }
}

/** @param {number} value */
function round(value) {
  return Math.min(100, Math.round(value * 10) / 10);
}
