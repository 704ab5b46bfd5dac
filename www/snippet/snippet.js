// The install snippet. `npm run build` makes of it the four files that people copy. SAVES, STRICT and LOADS are set by the
// build (scripts/snippets.mjs):
//
//   www/snippet/short.html   LOADS          the one in the README
//   www/snippet/snippet.html         LOADS, SAVES   also saves the calls of a visitor who leaves before the script has loaded
//   www/snippet/strict.html  LOADS, STRICT  for a page with a nonce and Trusted Types
//   www/snippet/stub.html    none           the queue alone, for a page that has the script as an element of its own
//
// It is ES5, because tag managers refuse newer syntax. It begins with "!", so that it is not taken for the arguments of an
// unfinished statement before it, and it ends with ";", so that a call may follow on the same line.

/* global SAVES, STRICT, LOADS */
!(function (window, document, tag, url) {
  // a page may have left `{ config: … }` here, or calls: an array, or an object with a queue
  var before = window.oaiq || {};
  // a function is the pixel itself or another snippet
  if (before.call) return;

  /** The address without its query and fragment, which may identify the visitor. */
  var bare = function (address) {
    return address.split(/[?#]/)[0];
  };
  var stub = function () {
    stub.q.push(arguments);
    if (SAVES)
      arguments.made = [
        Date.now(),
        bare(location.href),
        bare(document.referrer),
      ];
  };
  stub.q = before.pop ? before : before.q || before.queue || [];
  stub.config = before.config || {};
  // comes last, because a wrapper on this property may copy the queue when the property is set
  window.oaiq = stub;

  if (LOADS) {
    var element = document.createElement(tag);
    element.async = true;
    if (STRICT) {
      element.nonce = (document.currentScript || element).nonce;
      try {
        element.src = window.trustedTypes
          ? trustedTypes
              .createPolicy("oaiq-snippet", {
                createScriptURL: function () {
                  return url;
                },
              })
              .createScriptURL("")
          : url;
      } catch (error) {
        console.warn(
          "[oaiq] nothing is measured: add oaiq-snippet to trusted-types in the policy. " +
            error,
        );
      }
    } else element.src = url;
    document.head.appendChild(element);
  }

  if (SAVES) {
    // the page may change its address before it is left
    var landing = location.href;
    var isMeasured = function (call) {
      return /^measure/.test(call[0]);
    };

    // The next page sends what it finds in the outbox (www/pixel/outbox-store.js).
    addEventListener("pagehide", function () {
      try {
        var calls = stub.q;
        // once the script has loaded it keeps the calls itself; a prerendered page has been seen by nobody
        if (
          window.oaiq.loaded ||
          document.prerendering ||
          !calls.some(isMeasured)
        )
          return;

        var config = stub.config;
        var isPending = config.consent;
        // a source decides how each event may be sent, and has not been asked yet
        // and so do the rules for what is to be taken out of addresses
        var isForbidden =
          config.off || config.consentSource || config.gpc || config.redactPath;
        ["consent", "consent-source", "gpc"].forEach(function (name) {
          isForbidden =
            isForbidden ||
            element.hasAttribute("data-oaiq-" + name) ||
            // consent managers use such names too, with other values
            /^(pending|opt-out)$|google|tcf|gp[cp]/.test(
              element.getAttribute("data-" + name),
            );
        });
        calls.forEach(function (call) {
          isPending = isPending || (call[1] || 0).consent == "pending";
        });
        if (isForbidden) return;

        // no cookie and no store is read before the visitor has agreed
        var isDenied =
          !isPending &&
          /q_consent=f/.test(
            document.cookie + "q_consent=" + localStorage.oaiq_consent,
          );
        var saved = [];
        calls.forEach(function (call) {
          if (call[0] == "consent" && typeof call[1] == "boolean") {
            isPending = false;
            isDenied = !call[1];
          }
          saved.push(call);
          // a denial also drops what was measured before it
          if (isDenied)
            saved = saved.filter(function (call) {
              return !isMeasured(call);
            });
        });
        if (isPending || !saved.some(isMeasured)) return;

        localStorage["oaiq_outbox.1:" + Math.random()] = JSON.stringify(
          {
            oppref: new URL(landing).searchParams.get("oppref"),
            events: saved.map(function (call) {
              return (call.made || [Date.now(), bare(landing), ""]).concat(
                [].slice.call(call),
              );
            }),
          },
          // what identifies the visitor is not stored
          function (name, value) {
            return name == "user" ? 0 : value;
          },
        );
        // a page that comes back from the back/forward cache goes on, and must not send these again
        for (var i = calls.length; i--;) {
          if (isMeasured(calls[i])) calls.splice(i, 1);
        }
        // eslint-disable-next-line no-unused-vars -- ES5 wants its name
      } catch (error) {
        // without a store the calls end with the page
      }
    });
  }
})(window, document, "script", "https://YOUR-SITE/oaiq.min.js");
