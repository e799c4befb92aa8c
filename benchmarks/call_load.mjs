// The pages of many calls, at either server. Steered by lines on stdin, one answer each:
//   connect <role> <count>   the pages of so many patients or clinicians take part
//   relay <rounds>           each clinician's page sends its patient's a signal, now and then; how long that takes
import { createInterface } from "node:readline";
import { randomUUID } from "node:crypto";
import { io } from "socket.io-client";

const [url, practice] = process.argv.slice(2);
const isBare = !practice;
const CANDIDATE = "candidate:1 1 udp 2122260223 192.0.2.7 55555 typ host generation 0 ufrag abcd network-id 1";
const { seq, people } = isBare ? { seq: 0, people: invented() } : await (await fetch(`${url}/tickets/${practice}`)).json();
const pages = { patient: new Map(), clinician: new Map() };

function invented() {
  const calls = Array.from({ length: 1000 }, () => randomUUID());
  return calls.flatMap((call) => ["patient", "clinician"].map((role) => ({ call, role, id: randomUUID(), ticket: "" })));
}

async function connect(role, count) {
  for (const person of people.filter((one) => one.role === role)) {
    const known = pages[role];
    if (known.size >= count) break;
    if (known.has(person.call)) continue;
    const socket = io(url, { transports: ["websocket"], forceNew: true, reconnection: false, extraHeaders: { Origin: url } });
    await new Promise((done, failed) => { socket.on("connect", done); socket.on("connect_error", failed); });
    const page = { ...person, socket, client: randomUUID(), heard: new Map() };
    const joined = await socket.emitWithAck("join", isBare ? { room: person.id } : { ticket: person.ticket, seq });
    if (!joined.ok) throw new Error(`not joined: ${joined.reason}`);
    if (!isBare) {
      const entered = await socket.emitWithAck("video_call.enter", { call: person.call, client_id: page.client });
      if (!entered.ok) throw new Error(`not entered: ${entered.reason}`);
    }
    socket.on(isBare ? "relayed" : "video_call.signal", (said) => hear(page, isBare ? said : said.signal));
    known.set(person.call, page);
  }
  return { count: pages[role].size };
}

function hear(page, signal) {
  page.heard.get(signal.number)?.(performance.now());
  // As a page does: what has arrived leaves the mailbox a little later.
  if (!isBare) setTimeout(() => page.socket.emit("video_call.ack", { call: page.call, ids: [signal.id] }), 250);
}

async function relay(rounds) {
  const took = [];
  await Promise.all([...pages.clinician.values()].map(async (from) => {
    const to = pages.patient.get(from.call);
    for (let round = 0; round < rounds; round += 1) {
      const number = (from.sent = (from.sent ?? 0) + 1); // a page counts its signals: what comes twice is taken once
      await new Promise((done) => setTimeout(done, 1000 + Math.random() * 6000));
      const arrived = new Promise((done) => to.heard.set(number, done));
      const said = { to: to.id, generation: 1, number, kind: "candidate", body: { candidates: [{ candidate: CANDIDATE }] } };
      const began = performance.now();
      const answer = from.socket.emitWithAck(isBare ? "relay" : "video_call.signal", isBare ? said : { ...said, call: from.call, client_id: from.client, to_client: to.client });
      took.push((await arrived) - began);
      const { ok, reason } = await answer;
      if (!ok) throw new Error(`refused: ${reason}`);
    }
  }));
  took.sort((a, b) => a - b);
  return { count: took.length, p50: took[took.length >> 1], p99: took[Math.floor(took.length * 0.99)] };
}

for await (const line of createInterface({ input: process.stdin })) {
  const [what, ...said] = line.split(" ");
  console.log(JSON.stringify(what === "connect" ? await connect(said[0], Number(said[1])) : await relay(Number(said[0]))));
}
process.exit(0);
