// Node's socket.io server doing what benchmarks/realtime_app.py does, with nothing stored and nobody checked.
import { createServer } from "node:http";
import { Server } from "socket.io";

let seq = 0;
const http = createServer((request, response) => {
  if (request.method === "POST") {
    seq += 1;
    io.to("bench.all").emit("events", { seq, events: [{ seq, topic: "bench.all", type: "told", ids: { number: 1 } }] });
  }
  response.setHeader("Content-Type", "application/json");
  response.end(JSON.stringify({ ticket: "none", seq }));
});
const io = new Server(http, { transports: ["websocket"], perMessageDeflate: false });
io.on("connection", (socket) => {
  socket.on("join", (_said, answer) => {
    socket.join("bench.all");
    socket.emit("events", { seq, events: [] });
    answer({ ok: true });
  });
  socket.on("bench.echo", (said, answer) => answer({ ok: true, answer: said }));
});
http.listen(Number(process.argv[2]), "127.0.0.1", () => console.log("listening"));
