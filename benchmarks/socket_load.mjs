// The load on either server: clients of socket.io-client that echo and hear. Steered by lines on stdin, one answer each:
//   connect <count>   echo <rounds>   calm <rounds>   fan <events>
import { createInterface } from "node:readline";
import { io } from "socket.io-client";

const [url, practice] = process.argv.slice(2);
const clients = [];
let heard = 0;

async function connect(count) {
  const { ticket, seq } = await (await fetch(`${url}/ticket/${practice}`)).json();
  while (clients.length < count) {
    const socket = io(url, { transports: ["websocket"], forceNew: true, reconnection: false, extraHeaders: { Origin: url } });
    await new Promise((done, failed) => { socket.on("connect", done); socket.on("connect_error", failed); });
    socket.on("events", (said) => { heard += said.events.length; });
    const answer = await socket.emitWithAck("join", { ticket, seq });
    if (!answer.ok) throw new Error(`not joined: ${answer.reason}`);
    clients.push(socket);
  }
  return {};
}

async function echo(rounds) {
  const took = [];
  await Promise.all(clients.map(async (socket) => {
    for (let number = 0; number < rounds; number += 1) {
      const began = performance.now();
      const back = await socket.emitWithAck("bench.echo", { number, text: "x".repeat(40) });
      if (back.answer?.number !== number) throw new Error("not what was sent");
      took.push(performance.now() - began);
    }
  }));
  took.sort((a, b) => a - b);
  return { count: took.length, p50: took[took.length >> 1], p99: took[Math.floor(took.length * 0.99)] };
}

// As people do it: each client says something, waits for the answer, and pauses.
async function calm(rounds) {
  const took = [];
  await Promise.all(clients.map(async (socket) => {
    for (let number = 0; number < rounds; number += 1) {
      await new Promise((done) => setTimeout(done, 20 + Math.random() * 60));
      const began = performance.now();
      await socket.emitWithAck("bench.echo", { number, text: "x".repeat(40) });
      took.push(performance.now() - began);
    }
  }));
  took.sort((a, b) => a - b);
  return { count: took.length, p50: took[took.length >> 1], p99: took[Math.floor(took.length * 0.99)] };
}

async function fan(events) {
  heard = 0;
  for (let number = 1; number <= events; number += 1) {
    await fetch(`${url}/publish/${practice}`, { method: "POST" });
    while (heard < number * clients.length) await new Promise((done) => setTimeout(done, 1));
  }
  return { count: heard };
}

for await (const line of createInterface({ input: process.stdin })) {
  const [what, count] = line.split(" ");
  console.log(JSON.stringify(await { connect, echo, calm, fan }[what](Number(count))));
}
process.exit(0);
