/** How loud a stream is, about fifteen times a second. */

/**
 * @param {MediaStream} stream
 * @param {(level: number) => void} heard from 0 to 1
 * @returns {() => void} how to stop
 */
export function levelOf(stream, heard) {
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 512 });
  const source = context.createMediaStreamSource(new MediaStream(stream.getAudioTracks()));
  source.connect(analyser);
  if (context.state === "suspended") void context.resume();
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    heard(samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0));
  }, 66);
  return () => {
    clearInterval(timer);
    source.disconnect();
    void context.close();
  };
}
