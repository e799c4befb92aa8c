/**
 * The tab in which a practice's provider was asked who somebody is: tells the covered tabs (see lock.js) and closes, where
 * the browser lets it.
 */

new BroadcastChannel("careroom-lock").postMessage("unlock");
window.close();
