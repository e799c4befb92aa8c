/**
 * A first look at a file that the patient chose: is it a photo, what does it look like, can it be made lighter?
 * Only a kindness to the patient: the server looks again at everything.
 */

const HEAVY = 3 * 1024 * 1024;
const LONGEST = 3000;
const PREVIEW = 320;

/**
 * What was found. `blob` is what will be sent; `preview` is a small picture, or null where this browser cannot show it
 * (HEIC on most phones that are not Apple's).
 * @typedef {{ blob: Blob, preview: Blob | null }} Looked
 */

/**
 * Look at a file.
 * @param {File} file
 * @returns {Promise<Looked | "empty" | "not_a_photo">}
 */
export async function look(file) {
  if (!file.size) return "empty";
  let head;
  try {
    head = new Uint8Array(await file.slice(0, 16).arrayBuffer());
  } catch {
    return "empty"; // the file went away between choosing and reading (cloud albums do that)
  }
  if (!isPhoto(head)) return "not_a_photo";
  let picture;
  try {
    picture = await createImageBitmap(file);
  } catch {
    return { blob: file, preview: null };
  }
  try {
    const preview = await drawn(picture, PREVIEW, 0.7);
    const lighter = file.size > HEAVY ? await drawn(picture, LONGEST, 0.86) : null;
    return { blob: lighter && lighter.size < file.size ? lighter : file, preview };
  } finally {
    picture.close();
  }
}

/**
 * JPEG, PNG, WebP or HEIC by the first bytes: names and types lie.
 * @param {Uint8Array} head
 */
function isPhoto(head) {
  const text = String.fromCharCode(...head);
  return (
    text.startsWith("\xff\xd8\xff") ||
    text.startsWith("\x89PNG\r\n\x1a\n") ||
    (text.startsWith("RIFF") && text.slice(8, 12) === "WEBP") ||
    (text.slice(4, 8) === "ftyp" && /^(hei[cmsx]|hev[cmsx]|mif1|msf1)/.test(text.slice(8, 12)))
  );
}

/**
 * The picture as a JPEG whose longest side has at most `longest` pixels; null when the browser has no memory for it.
 * @param {ImageBitmap} picture
 * @param {number} longest
 * @param {number} quality
 * @returns {Promise<Blob | null>}
 */
function drawn(picture, longest, quality) {
  const scale = Math.min(1, longest / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  const pen = canvas.getContext("2d");
  if (!pen) return Promise.resolve(null);
  pen.fillStyle = "#fff"; // what is transparent in a PNG would turn black in a JPEG
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", quality));
}
