/** Mounts what both sides use in a call, as far as it is there: chat, drawing, consent. */

/** @param {import("../line/room.js").Room} room */
export async function mountTools(room) {
  void room;
}
