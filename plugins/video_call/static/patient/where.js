/** Which browser this is: only for words that help, and to leave browsers inside of apps, which have no camera. */

const agent = navigator.userAgent;
const isApple = /iPhone|iPad|iPod/.test(agent) || (/Macintosh/.test(agent) && navigator.maxTouchPoints > 1);
const isAndroid = /Android/.test(agent);

// Facebook, Instagram, Messenger, LINE, WeChat, TikTok, Snapchat, LinkedIn, Pinterest, Outlook; "; wv": any Android WebView.
const NAMED = /FBAN|FBAV|FB_IAB|Instagram|Messenger|Line\/|MicroMessenger|musical_ly|BytedanceWebview|Snapchat|LinkedInApp|Pinterest|OutlookMobile|GSA\/|; wv\)/;

/** Is this page inside of an app? On Apple's devices what is no browser does not call itself Safari. */
export const isInApp = NAMED.test(agent) || (isApple && !/Safari\//.test(agent));

/** The browser as the pieces of help name it. */
export const browser = isApple
  ? /CriOS|FxiOS|EdgiOS|OPiOS/.test(agent)
    ? "other-ios"
    : "safari-ios"
  : isAndroid
    ? /SamsungBrowser/.test(agent)
      ? "samsung"
      : /Firefox/.test(agent)
        ? "firefox-android"
        : "chrome-android"
    : /Firefox/.test(agent)
      ? "firefox"
      : /^((?!Chrome|Chromium).)*Safari/.test(agent)
        ? "safari"
        : "chrome";

/** "android", "ios" or "desktop". */
export const system = isApple ? "ios" : isAndroid ? "android" : "desktop";

/**
 * An address that opens the device's own browser from inside of an app.
 * @param {string} url
 */
export function outside(url) {
  const { host, pathname, protocol } = new URL(url, location.href);
  const scheme = protocol.replace(":", "");
  if (system === "android") return `intent://${host}${pathname}#Intent;scheme=${scheme};action=android.intent.action.VIEW;end`;
  return system === "ios" ? `x-safari-${scheme}://${host}${pathname}` : url;
}
