// The install snippet, from which `npm run build` (scripts/snippets.mjs) makes the four files that people copy. It is compiled with
// these constants:
//
//   www/snippet/short.html    LOADS          the one in the README
//   www/snippet/snippet.html  LOADS, SAVES   also saves the calls of a visitor who leaves before the script has loaded
//   www/snippet/strict.html   LOADS, STRICT  for a page with a nonce and Trusted Types
//   www/snippet/stub.html     none           the queue alone, for a page that has a script element of its own
//
// It is ES5, because tag managers reject newer syntax. It starts with "!", so that it is not parsed as the arguments of an
// unfinished statement before it, and it ends with ";", so that a call may follow on the same line.

/* global SAVES, STRICT, LOADS */
/**
 * The arguments of a call; `made` is its time, page and referrer.
 *
 * @typedef {ArrayLike<any> & { made?: [number, string, string] }} Call
 */
/**
 * What a page may have left in `window.oaiq`: a config, or calls as an array or in a queue. Only a function has `call`, and only
 * an array has `pop`.
 *
 * @typedef {{
 *   call?: unknown,
 *   pop?: unknown,
 *   q?: Call[],
 *   queue?: Call[],
 *   config?: import("../types/oaiq.js").Config,
 * }} Before
 */

// @ts-expect-error -- the "!" is there for the reason above, not for the value
!(function (window, document, tag, url) {
  var before = /** @type {Before} */ (window.oaiq || {});
  // the pixel itself, or another snippet
  if (before.call) return;

  /**
   * A URL without its query and fragment, which may identify the visitor.
   *
   * @param {string} address
   */
  var bare = function (address) {
    return address.split(/[?#]/)[0];
  };
  var stub = function () {
    stub.q.push(arguments);
    if (SAVES)
      /** @type {Call} */ (arguments).made = [
        Date.now(),
        bare(location.href),
        bare(document.referrer),
      ];
  };
  stub.q = /** @type {Call[]} */ (
    before.pop ? before : before.q || before.queue || []
  );
  // a page may have filled both; the pixel runs the calls in `q` first
  stub.queue = before.q && before.queue;
  stub.config = before.config || {};
  // comes last, because a wrapper on this property may copy the queue when the property is set
  window.oaiq = /** @type {any} */ (stub);

  if (LOADS) {
    var element = /** @type {HTMLScriptElement} */ (
      document.createElement(tag)
    );
    element.async = true;
    if (STRICT) {
      element.nonce = /** @type {HTMLElement} */ (
        document.currentScript || element
      ).nonce;
      try {
        element.src = /** @type {string} */ (
          window.trustedTypes
            ? trustedTypes
                .createPolicy("oaiq-snippet", {
                  createScriptURL: function () {
                    return url;
                  },
                })
                .createScriptURL("")
            : url
        );
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
    // the page may change its URL before it ends
    var landing = location.href;
    /** @param {Call} call */
    var isMeasured = function (call) {
      return /^measure/.test(call[0]);
    };

    // the next page sends what it finds in the outbox (www/pixel/outbox-store.js)
    addEventListener("pagehide", function () {
      try {
        var calls = stub.q.concat(stub.queue || []);
        // once the script has loaded it stores the calls itself; nobody has seen a prerendered page
        if (
          window.oaiq.loaded ||
          document.prerendering ||
          !calls.some(isMeasured)
        )
          return;

        var config = stub.config;
        /** @type {unknown} */
        var isPending = config.consent == "pending";
        // only the script can ask a source of consent, and redact paths
        /** @type {unknown} */
        var isForbidden = config.off || config.redactPath;
        // other tools use the names without "oaiq-" too, so only the values that www/pixel/options.js knows count
        /** @type {[name: string, known: RegExp, value?: unknown][]} */
        var options = [
          ["consent", /^pending$/],
          [
            "consent-source",
            /^((google|tcf|gpp|gpc)\b[\s,]*)+$/i,
            config.consentSource,
          ],
          ["gpc", /^(opt-out)?$/, config.gpc],
        ];
        options.forEach(function (option) {
          isForbidden =
            isForbidden ||
            element.hasAttribute("data-oaiq-" + option[0]) ||
            option[1].test(
              /** @type {string} */ (element.getAttribute("data-" + option[0])),
            ) ||
            // an empty one is set too
            (option[2] != null && option[2] !== false);
        });
        calls.forEach(function (call) {
          isPending = isPending || (call[1] || 0).consent == "pending";
          isForbidden = isForbidden || call[0] == "forget";
        });
        if (isForbidden) return;

        // without consent, neither cookies nor storage may be read
        var isDenied =
          !isPending &&
          /q_consent=f/.test(
            document.cookie + "q_consent=" + localStorage.oaiq_consent,
          );
        /** @type {Call[]} */
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
              return /** @type {unknown[]} */ (
                call.made || [Date.now(), bare(landing), ""]
              ).concat([].slice.call(call));
            }),
          },
          // user data is never stored
          function (name, value) {
            return name == "user" ? 0 : value;
          },
        );
        // a page restored from the back/forward cache must not send these again
        [stub.q, stub.queue || []].forEach(function (queue) {
          for (var i = queue.length; i--;) {
            if (isMeasured(queue[i])) queue.splice(i, 1);
          }
        });
        // eslint-disable-next-line no-unused-vars -- ES5 requires a binding
      } catch (error) {
        // without storage, the calls are lost
      }
    });
  }
})(window, document, "script", "https://YOUR-SITE/oaiq.min.js");
