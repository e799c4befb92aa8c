/** The operator's test of the relay: two connections in this page that may meet through the relay only, an address at a time. */

const GIVE_UP_AFTER = 10_000;
const ECHOES = 10;

class Refused extends Error {}

/**
 * @param {RTCIceServer} server
 * @returns {Promise<{open: number, echo: number}>} milliseconds until a channel was open, and of a message there and back
 */
async function attempt(server) {
  const began = performance.now();
  /** @type {RTCConfiguration} */
  const configuration = { iceServers: [server], iceTransportPolicy: "relay" };
  const [here, there] = [new RTCPeerConnection(configuration), new RTCPeerConnection(configuration)];
  try {
    here.addEventListener("icecandidate", ({ candidate }) => void there.addIceCandidate(candidate ?? undefined).catch(() => {}));
    there.addEventListener("icecandidate", ({ candidate }) => void here.addIceCandidate(candidate ?? undefined).catch(() => {}));
    const channel = here.createDataChannel("echo");
    there.addEventListener("datachannel", (event) => {
      event.channel.addEventListener("message", ({ data }) => event.channel.send(data));
    });
    const opened = new Promise((resolve, reject) => {
      channel.addEventListener("open", resolve, { once: true });
      here.addEventListener("icecandidateerror", ({ errorCode }) => {
        if (errorCode >= 400 && errorCode < 500) reject(new Refused());
      });
      setTimeout(reject, GIVE_UP_AFTER, new Error("silent"));
    });
    await here.setLocalDescription();
    await there.setRemoteDescription(/** @type {RTCSessionDescription} */ (here.localDescription));
    await there.setLocalDescription();
    await here.setRemoteDescription(/** @type {RTCSessionDescription} */ (there.localDescription));
    await opened;
    const open = performance.now() - began;
    return { open, echo: await echo(channel) };
  } finally {
    here.close();
    there.close();
  }
}

/** @param {RTCDataChannel} channel @returns {Promise<number>} the quickest of some */
async function echo(channel) {
  let best = Infinity;
  for (let number = 0; number < ECHOES; number += 1) {
    const began = performance.now();
    const back = new Promise((resolve) => channel.addEventListener("message", resolve, { once: true }));
    channel.send(String(number));
    await back;
    best = Math.min(best, performance.now() - began);
  }
  return best;
}

async function run() {
  const place = document.querySelector("[data-relay-test]");
  if (!(place instanceof HTMLElement)) return;
  const { username, credential, wordsRunning, wordsWorks, wordsSilent, wordsRefused } = place.dataset;
  const format = new Intl.NumberFormat(document.documentElement.lang, { style: "unit", unit: "millisecond", maximumFractionDigits: 0 });
  for (const row of place.querySelectorAll("[data-relay-url]")) {
    /** @param {string} name @param {string | undefined} text */
    const write = (name, text) => {
      const cell = row.querySelector(`[data-relay-${name}]`);
      if (cell) cell.textContent = text ?? "";
    };
    write("result", wordsRunning);
    try {
      const urls = row.getAttribute("data-relay-url") ?? "";
      const { open, echo: back } = await attempt({ urls, ...(username && { username }), ...(credential && { credential }) });
      write("result", wordsWorks);
      write("open", format.format(open));
      write("echo", format.format(back));
    } catch (error) {
      write("result", error instanceof Refused ? wordsRefused : wordsSilent);
    }
  }
}

void run();
