// What is read from a page, and when: www/matching as a whole, with jsdom.
import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { sha256 } from "./fixtures.mjs";
import { CONFIG_RECEIVED } from "../../../www/pixel/debug-events.gen.js";
import * as pages from "./page.mjs";

let opened;
const open = (...given) => (opened = pages.open(...given));
afterEach(() => opened?.close());

const hash = (name) => sha256(`${name}@example.com`);
const [ada, bob, cy] = ["ada", "bob", "cy"].map(hash);
const phone = sha256("4155550134");
/** A page's user data right after matching is on. */
const scanned = (html, options) => open(html, options).user();
const email = (name, attributes = "") =>
  `<input name="email" value="${name}@example.com" ${attributes}>`;

describe("a scan", () => {
  test("reads labels of every kind", () => {
    assert.deepEqual(
      scanned(
        `<form><label>Email <input id="a" value="ada@example.com"></label>
        <label for="b">Phone</label><input id="b" value="4155550134">
        <i id="l1">Your</i><b id="l2">City</b><input aria-labelledby="l1 l2" value="Rome">
        <input aria-label="ZIP" value="00100"><input placeholder="First name" value="Ada"></form>`,
      ),
      {
        fm: {
          em: [ada],
          ph: [phone],
          fn: sha256("ada"),
          ct: "rome",
          pc: "00100",
        },
      },
    );
  });

  test("reads hidden, disabled and read-only fields", () => {
    assert.deepEqual(
      scanned(
        `<form><input type="hidden" name="email" value="ada@example.com">
        <input name="phone" value="4155550134" disabled><input name="city" value="Rome" readonly></form>`,
      ),
      { fm: { em: [ada], ph: [phone], ct: "rome" } },
    );
  });

  for (const [why, html] of [
    [
      "whose class is of a company's contacts",
      `<form class="contact-us">${email("ada")}</form>`,
    ],
    [
      "below such an element",
      `<div id="business-email"><p><form>${email("ada")}</form></div>`,
    ],
    ["for friends", `<form name="referral">${email("ada")}</form>`],
    [
      "whose first button invites",
      `<form>${email("ada")}<button>Invite a friend</button></form>`,
    ],
    [
      "whose only field is among words of others",
      `<form><p class="seller">${email("ada")}</p></form>`,
    ],
    [
      "whose only field has a class of others",
      `<form>${email("ada", 'class="donor"')}</form>`,
    ],
    [
      "whose only field is a confirmation",
      `<form>${email("ada", 'id="confirm"')}</form>`,
    ],
  ])
    test(`reads no form ${why}`, () => {
      assert.equal(scanned(html), null);
    });

  test("reads a form whose eighth ancestor has such words", () => {
    const wrap = (depth) =>
      `<div class="contact-us">${"<div>".repeat(depth)}<form>${email("ada")}</form>${"</div>".repeat(depth)}</div>`;
    assert.equal(scanned(wrap(6)), null);
    assert.deepEqual(scanned(wrap(7)), { fm: { em: [ada] } });
  });

  test("reads all fields of a form that it accepts for one of them", () => {
    assert.deepEqual(
      scanned(
        `<form>${email("ada")}<p class="seller">${email("bob")}</p></form>`,
      ),
      { fm: { em: [ada, bob] } },
    );
  });

  test("reads forms in a footer, but no fields outside forms there", () => {
    assert.deepEqual(
      scanned(
        `<footer><form>${email("ada")}</form>${email("bob")}</footer>
        <div role="contentinfo"><input name="phone" value="4155550134"></div>`,
      ),
      { fm: { em: [ada] } },
    );
  });

  test("reads fields outside forms into ht, with the place of one of them", () => {
    assert.deepEqual(
      scanned(
        `${email("ada")}<input name="phone" value="4155550134"><input name="first_name" value="Ada">
        <input name="zip" value="00100"><input name="x" autocomplete="address-level2" value="Rome">`,
      ),
      { ht: { em: [ada], ph: [phone], ct: "rome" } },
    );
    assert.equal(scanned(`<div class="seller">${email("ada")}</div>`), null);
    assert.equal(scanned('<input name="q" value="ada@example.com">'), null);
  });

  test("looks at fifteen candidates of each element and type outside forms", () => {
    const zip = (value) => `<input name="zip" value="${value}">`;
    assert.equal(scanned(zip("").repeat(15) + zip("00100")), null);
    assert.deepEqual(scanned(zip("").repeat(14) + zip("00100")), {
      ht: { pc: "00100" },
    });
    assert.deepEqual(
      scanned(zip("").repeat(15) + '<input type="tel" name="zip" value="1">'),
      { ht: { pc: "1" } },
    );
  });

  test("does not look into frames and shadow trees", () => {
    const page = open("<div></div><iframe></iframe>");
    page.$("div").attachShadow({ mode: "open" }).innerHTML =
      `<form>${email("ada")}</form>`;
    page.$("iframe").contentDocument.body.innerHTML =
      `<form>${email("bob")}</form>`;
    assert.equal(page.user(), null);
  });

  test("is made when matching is switched on, at each event, and before a request but no beacon", () => {
    const page = open(`<form>${email("ada")}</form>`);
    assert.deepEqual(page.user("", 1), { fm: { em: [ada] } });
    page.set("input", "bob@example.com");
    assert.deepEqual(page.user("", 1), { fm: { em: [ada] } });
    page.measure();
    assert.deepEqual(page.user("", 1), { fm: { em: [bob] } });
    page.set("input", "cy@example.com");
    assert.deepEqual(page.user(), { fm: { em: [cy] } });
  });

  test("notices changed attributes and labels", () => {
    const page = open(
      '<form><label>Code</label><input name="x" value="4155550134"></form>',
    );
    assert.equal(page.user(), null);
    page.$("input").name = "phone";
    assert.deepEqual(page.user(), { fm: { ph: [phone] } });
    page.$("input").name = "y";
    page.$("label").htmlFor = page.$("input").id = "y";
    page.$("label").textContent = "City";
    page.set("input", "Rome");
    assert.deepEqual(page.user(), { fm: { ph: [phone], ct: "rome" } });
  });

  test("gives two different email addresses of two forms", () => {
    assert.deepEqual(
      scanned(`<form>${email("ada")}</form><form>${email("bob")}</form>`),
      { fm: { em: [ada, bob] } },
    );
  });
});

describe("an action", () => {
  const form =
    '<form><input id="e" name="email"><input id="p" name="phone"><button>Send</button></form>';
  const gone = (page) => {
    document.body.innerHTML = "";
    return page.user();
  };

  test("reads a field that the visitor has changed, or presses Enter in", () => {
    const page = open(form);
    page.fill("#e", "ada@example.com");
    page.set("#p", "4155550134");
    page.fire("#p", "keydown", { key: "x" });
    page.fire("#p", "input");
    page.fire("#p", "blur");
    page.fire("#p", "focus");
    page.set("#p", "");
    assert.deepEqual(page.user(), { fm: { em: [ada] } });
    page.set("#p", "4155550134");
    page.fire("#p", "keydown", { key: "Enter" });
    assert.deepEqual(gone(page), { fm: { em: [ada], ph: [phone] } });
  });

  test("reads the whole form if the field is for a name or a place", () => {
    const page = open(
      '<form><input id="a" name="first_name"><input id="b" name="email"></form>',
    );
    page.set("#b", "ada@example.com");
    page.fill("#a", "Ada");
    assert.deepEqual(gone(page), { fm: { em: [ada], fn: sha256("ada") } });
  });

  test("reads the form of a button that is clicked", () => {
    for (const button of [
      "<button>Go</button>",
      '<button type="button"><b><i>Go</i></b></button>',
      '<input type="button" value="Go">',
      '<input type="image">',
      '<p role="BUTTON">Go</p>',
    ]) {
      const page = open(
        `<form>${email("ada")}<div id="go">${button}</div></form>`,
      );
      page.set("input", "bob@example.com");
      page.click("#go i, #go input, #go p, #go > button:not(:has(i))");
      assert.deepEqual(gone(page), { fm: { em: [bob] } }, button);
      page.close();
    }
  });

  test("reads nothing when something else is clicked", () => {
    for (const other of [
      '<button type="reset">Go</button>',
      '<button type="button" aria-disabled="true">Go</button>',
      '<p role="button" disabled>Go</p>',
      '<a href="#x">Go</a>',
      '<input type="checkbox">',
      `<button type="button">${"<b>".repeat(20)}Go${"</b>".repeat(20)}</button>`,
    ]) {
      const page = open(
        `<form><input name="email"><div id="go">${other}</div></form>`,
      );
      page.set("input", "bob@example.com");
      const targets = document.querySelectorAll("#go *");
      targets[targets.length - 1].click();
      assert.equal(gone(page), null, other);
      page.close();
    }
  });

  test("reads the container of a button without a form", () => {
    const page = open(
      `<div><div><input id="e" name="email"><input name="zip" value="00100"></div><form><input name="city" value="Rome"></form>
      <p><button>Go</button></p></div>`,
    );
    page.set("#e", "ada@example.com");
    page.$("form").remove();
    page.click("button");
    assert.deepEqual(gone(page), { fm: { em: [ada], pc: "00100" } });
  });

  test("reads the form that is submitted, but not for others", () => {
    const page = open(
      `<form id="a">${email("ada")}</form><form id="b"><input name="email"><button name="invite">x</button></form>`,
    );
    page.set("#b input", "bob@example.com");
    page.fire("#b", "submit", { submitter: page.$("button") });
    assert.deepEqual(page.user(), { fm: { em: [ada] } });
    page.fire("#b", "submit");
    assert.deepEqual(page.user().fm.em, [bob, ada]);
  });

  test("reads any email address in a text field, and keeps it", () => {
    const page = open(
      '<form><input id="q"><input name="email" value="ada@example.com"><button>Go</button></form>',
    );
    page.set("#q", "bob@example.com");
    page.click("button");
    assert.deepEqual(page.user(), { fm: { em: [ada, bob] } });
    page.set("#q", "");
    assert.deepEqual(page.user(), { fm: { em: [ada, bob] } });
  });

  test("takes no confirmation that differs from the field before", () => {
    const page = open(
      '<form><input id="a" name="email"><input id="b" name="confirm_email"></form>',
    );
    page.fill("#a", "ada@example.com");
    page.fill("#b", "bob@example.com");
    assert.deepEqual(page.user(), { fm: { em: [ada] } });
  });

  test("on a form for a payment drops names, for good", () => {
    const page = open(
      '<form><input name="first_name" value="Ada"><input name="email" value="ada@example.com"><button>Next</button></form>',
    );
    assert.deepEqual(page.user(), { fm: { em: [ada], fn: sha256("ada") } });
    page.$("button").textContent = "Pay now";
    page.click("button");
    assert.deepEqual(page.user(), { fm: { em: [ada] } });
    page.$("button").textContent = "Next";
    page.click("button");
    assert.deepEqual(page.user(), { fm: { em: [ada] } });
  });

  test("is seen inside an open shadow tree if it is a click", () => {
    const page = open("<div></div>");
    const root = page.$("div").attachShadow({ mode: "open" });
    root.innerHTML =
      '<form><input name="email"><button type="button">Go</button></form>';
    root.querySelector("input").value = "ada@example.com";
    root.querySelector("button").click();
    assert.deepEqual(page.user(), { fm: { em: [ada] } });
  });
});

describe("an account page", () => {
  const section = (html) => `<section id="account">${html}</section>`;

  for (const [where, html] of [
    ["an ID", '<div id="myAccount"><b class="email">ada@example.com</b></div>'],
    [
      "a class",
      '<div class="order_confirmation"><b class="email">ada@example.com</b></div>',
    ],
    [
      "an aria-label",
      '<div aria-label="Your Order Confirmation"><b class="email">ada@example.com</b></div>',
    ],
    [
      "an attribute",
      '<div data-profile><b class="email">ada@example.com</b></div>',
    ],
    [
      "the label of a region",
      '<b id="l">Customer</b><div role="region" aria-labelledby="l"><b class="email">ada@example.com</b></div>',
    ],
    [
      "a heading",
      '<article><h3>Your profile</h3><b class="email">ada@example.com</b></article>',
    ],
    [
      "a heading without a section",
      '<div><p role="heading">Account</p><b class="email">ada@example.com</b></div>',
    ],
    ["its own text", '<div id="account-email"> ada@example.com </div>'],
  ])
    test(`is found by ${where}`, () => {
      assert.deepEqual(scanned(html), { ht: { em: [ada] } });
    });

  for (const [where, html] of [
    ["elsewhere", '<section><b class="email">ada@example.com</b></section>'],
    [
      "in a div with a label",
      '<b id="l">Account</b><div aria-labelledby="l"><b class="email">ada@example.com</b></div>',
    ],
    [
      "in a footer",
      `<footer>${section('<b class="email">ada@example.com</b>')}</footer>`,
    ],
    [
      "below words of others",
      `<div class="support">${section('<b class="email">ada@example.com</b>')}</div>`,
    ],
    [
      "among words of others",
      section('<p id="seller"><b class="email">ada@example.com</b></p>'),
    ],
    [
      "where the label names others",
      '<b id="l">Support account</b><section id="account" aria-labelledby="l"><b class="email">ada@example.com</b></section>',
    ],
    [
      "beside other text",
      section('<b class="email">Mail: ada@example.com</b>'),
    ],
    [
      "under a confirmation",
      section('<b class="confirm-email">ada@example.com</b>'),
    ],
    [
      "after the name of others",
      section("<dt>Support email</dt><dd>ada@example.com</dd>"),
    ],
    [
      "with a secret autocomplete",
      section(
        '<b class="email" autocomplete="one-time-code">ada@example.com</b>',
      ),
    ],
    [
      "after the section",
      `${section("<span>Email</span>")}<b>ada@example.com</b>`,
    ],
  ])
    test(`is not read ${where}`, () => {
      assert.equal(scanned(html), null);
    });

  test("is read by names, and by what follows them", () => {
    for (const html of [
      '<i itemprop="telephone">4155550134</i>',
      '<i data-bind="text: a.customer.phone">4155550134</i>',
      "<table><tr><th>Phone</th><td>(415) 555-0134</td></tr></table>",
      "<p><label>Mobile</label></p><p>4155550134</p>",
    ])
      assert.deepEqual(scanned(section(html)), { ht: { ph: [phone] } }, html);
  });

  test("has five elements of a kind tried", () => {
    const tries = (count) =>
      section(
        `${'<b class="email">-</b>'.repeat(count)}<b class="email">ada@example.com</b>`,
      );
    assert.deepEqual(scanned(tries(4)), { ht: { em: [ada] } });
    assert.equal(scanned(tries(5)), null);
  });

  test("is kept when its text has gone", () => {
    const page = open(section('<b class="email">ada@example.com</b>'));
    document.body.innerHTML = "";
    assert.deepEqual(page.user(), { ht: { em: [ada] } });
  });
});

describe("other scripts", () => {
  test("come after forms and before the page's text", () => {
    assert.deepEqual(
      scanned(
        `<form>${email("ada")}</form><section id="account"><b class="email">cy@example.com</b></section>`,
        {
          set: {
            dataLayer: [
              { email: "ada@example.com" },
              { email: "bob@example.com" },
            ],
          },
        },
      ),
      { fm: { em: [ada] }, js: { em: [bob] }, ht: { em: [cy] } },
    );
  });

  test("are read as they push, the newest first, and push as before", () => {
    const dataLayer = [{ email: "ada@example.com" }];
    const page = open("", { set: { dataLayer } });
    dataLayer.push(
      { email: "bob@example.com" },
      { event: "", email: "x@example.com" },
    );
    dataLayer.push({ user: { email: "cy@example.com" } });
    dataLayer.length = 0;
    assert.deepEqual(page.user(), { js: { em: [cy, bob, ada] } });
    page.config(0);
    assert.equal(Object.hasOwn(dataLayer, "push"), false);
  });

  test("may have another data layer by now", () => {
    const page = open("", {
      set: { dataLayer: [{ email: "ada@example.com" }] },
    });
    window.dataLayer = [{ email: "bob@example.com" }];
    page.measure();
    window.dataLayer.push({ email: "cy@example.com" });
    assert.deepEqual(page.user(), { js: { em: [cy, ada, bob] } });
  });

  test("have data layers of Adobe and of Google Tag Manager", () => {
    assert.deepEqual(
      scanned(
        '<script src="https://www.googletagmanager.com/gtm.js?id=1&l=layer2"></script>',
        {
          set: {
            adobeDataLayer: [{ email: "ada@example.com" }],
            layer2: [{ email: "bob@example.com" }],
            layer3: [{ email: "cy@example.com" }],
          },
        },
      ),
      { js: { em: [ada, bob] } },
    );
  });

  test("are not read in the mode forms", () => {
    const dataLayer = [{ email: "bob@example.com" }];
    assert.deepEqual(
      scanned(
        `<form>${email("ada")}</form>${email("cy")}<section id="account"><b class="email">cy@example.com</b></section>`,
        {
          mode: "forms",
          set: { dataLayer, analytics: { user: () => assert.fail("called") } },
        },
      ),
      { fm: { em: [ada] } },
    );
    assert.equal(Object.hasOwn(dataLayer, "push"), false);
  });
});

describe("data-oaiq-ignore", () => {
  const ignored = (html) => `<div data-oaiq-ignore><p>${html}</p></div>`;

  test("hides fields, forms and text from scans", () => {
    assert.equal(scanned(ignored(`<form>${email("ada")}</form>`)), null);
    assert.equal(scanned(ignored(email("ada"))), null);
    assert.equal(
      scanned(
        `<section id="account">${ignored('<b class="email">ada@example.com</b>')}</section>`,
      ),
      null,
    );
    assert.equal(
      scanned(
        '<section id="account"><p class="email"><b data-oaiq-ignore>x</b>ada@example.com</p></section>',
      )?.ht.em[0],
      ada,
    );
    assert.deepEqual(
      scanned(`<form>${email("ada")}${ignored(email("bob"))}</form>`),
      { fm: { em: [ada] } },
    );
    assert.equal(
      scanned(
        '<form><label>Email <b data-oaiq-ignore>phone</b><input type="hidden" value="4155550134"></label></form>',
      ),
      null,
    );
  });

  test("hides fields, forms and buttons from actions", () => {
    for (const html of [
      ignored('<form><input name="email"><button>Go</button></form>'),
      `<form>${ignored('<input name="email">')}<button>Go</button></form>`,
    ]) {
      const page = open(html);
      page.fill("input", "ada@example.com");
      page.click("button");
      page.fire("form", "submit");
      assert.equal(page.user(), null, html);
      page.close();
    }
  });

  test("on the host of a shadow tree hides what is inside", () => {
    const page = open("<div data-oaiq-ignore></div>");
    const root = page.$("div").attachShadow({ mode: "open" });
    root.innerHTML = `<form>${email("ada")}<button type="button">Go</button></form>`;
    root.querySelector("button").click();
    assert.equal(page.user(), null);
  });
});

describe("a pixel", () => {
  const form = `<form>${email("ada")}<input id="p" name="phone"><button>Go</button></form>`;
  const own = ',"user":{"in":{"ct":"a}b"}}';
  const enabled = '{"automatic_advanced_matching_enabled": true}';
  const disabled = '{"automatic_advanced_matching_enabled":false}';
  /** Lets the answers of requests arrive. */
  const settle = () => new Promise((resolve) => setTimeout(resolve));

  test("reads nothing until its config is on, and after it is off", () => {
    const page = open(form, { isOn: false });
    page.click("button");
    page.measure();
    assert.equal(page.user(), null);
    for (const other of [0, 2]) {
      page.config(other);
      assert.equal(page.user(), null);
    }
    page.config(1);
    assert.deepEqual(page.user(), { fm: { em: [ada] } });
    page.config(0);
    assert.equal(page.user(), null);
  });

  test("learns of a config that arrived before the file", () => {
    const records = [
      [1, "x"],
      undefined,
      [CONFIG_RECEIVED, "https://s.test/Q%2F1.json 200 1 3"],
    ];
    const page = open(form, { records });
    assert.deepEqual(page.user("", 0, "Q%2F1"), { fm: { em: [ada] } });
    assert.equal(page.user(), null);
  });

  test("starts once, however often the file is loaded", () => {
    const page = open(form);
    const { addUser } = page.hooks;
    page.start();
    assert.equal(page.hooks.addUser, addUser);
  });

  test("keeps the rest of a request as it is", () => {
    const page = open(form, { isOn: false });
    assert.equal(page.body(own), `{"events":[]${own}}`);
    page.config(1);
    const fm = `"fm":{"em":["${ada}"]}`;
    assert.equal(page.body(own), `{"events":[]${own.slice(0, -1)},${fm}}}`);
    assert.equal(page.body(), `{"events":[],"user":{${fm}}}`);
  });

  test("has what it has read to itself", () => {
    const page = open(form);
    page.set("#p", "4155550134");
    page.click("button");
    page.set("#p", "");
    page.config(1, "Q", 1);
    assert.deepEqual(page.user(), { fm: { em: [ada], ph: [phone] } });
    assert.deepEqual(page.user("", 0, "Q"), { fm: { em: [ada] } });
    assert.equal(page.user("", 0, "R"), null);
  });

  test("is not measured for another one", () => {
    const page = open("");
    page.config(1, "Q", 1);
    document.body.innerHTML = form;
    page.measure("Q");
    assert.equal(page.user("", 1), null);
    assert.deepEqual(page.user("", 1, "Q"), { fm: { em: [ada] } });
  });

  test("reads other scripts once a task, and again for the request", () => {
    let email = "ada@example.com";
    let reads = 0;
    const user = () => {
      reads += 1;
      return { traits: { email } };
    };
    const page = open("", { set: { analytics: { user } } });
    assert.equal(reads, 1);
    page.measure();
    page.measure();
    assert.equal(reads, 1);
    email = "bob@example.com";
    assert.deepEqual(page.user(), { js: { em: [ada, sha256(email)] } });
    assert.equal(reads, 2);
    pages.pass(1);
    page.measure();
    assert.equal(reads, 3);
  });

  test("reads fields that the page has emptied and filled since the last call", () => {
    const page = open(form);
    page.measure();
    page.set("[name=email]", "");
    page.measure();
    page.set("[name=email]", "bob@example.com");
    page.measure();
    assert.deepEqual(page.user("", 1), {
      fm: { em: [sha256("bob@example.com")] },
    });
  });

  test("renews its config three seconds before the end, and keeps what it has read", async () => {
    const page = open(form);
    page.answers.push(enabled);
    document.body.innerHTML = "";
    pages.pass(296_999);
    assert.deepEqual(page.requested, []);
    pages.pass(1);
    assert.equal(page.requested.length, 1);
    const [url, { credentials, referrerPolicy }] = page.requested[0];
    assert.equal(url, "https://settings.test/v1/P.json");
    assert.deepEqual([credentials, referrerPolicy], ["omit", "no-referrer"]);
    await settle();
    pages.pass(296_999);
    assert.deepEqual(page.user(), { fm: { em: [ada] } });
    assert.deepEqual(page.reported, []);
  });

  test("forgets all at the end of a config that could not be renewed, and requests it at once", async () => {
    const page = open(form);
    pages.pass(297_000);
    await settle();
    // the script makes a second request
    assert.deepEqual(page.reported, [[0, 0, 2]]);
    page.set("input", "");
    assert.deepEqual(page.user(), { fm: { em: [ada] } });
    page.answers.push(enabled);
    pages.pass(3_000);
    assert.equal(page.user(), null);
    assert.equal(page.requested.length, 2);
    page.set("input", "bob@example.com");
    await settle();
    assert.deepEqual(page.user("", 1), { fm: { em: [bob] } });
    assert.deepEqual(page.reported[1], [0, 200, 1]);
  });

  test("is off after a config that says so, until the next one", async () => {
    const page = open(form);
    page.answers.push(disabled, enabled);
    pages.pass(297_000);
    await settle();
    assert.equal(page.user(), null);
    assert.deepEqual(page.reported, [[0, 200, 0]]);
    pages.pass(297_000);
    await settle();
    assert.deepEqual(page.user(), { fm: { em: [ada] } });
    assert.deepEqual(page.reported[1], [0, 200, 1]);
  });

  test("does not renew its config while the page is hidden", () => {
    const page = open(form);
    Object.defineProperty(document, "visibilityState", {
      value: "hidden",
      configurable: true,
    });
    pages.pass(300_000);
    assert.equal(page.user(), null);
    assert.deepEqual(page.requested, []);
    delete document.visibilityState;
  });

  test("forgets all when consent is denied, and reads again when it is granted", () => {
    const dataLayer = [];
    const page = open(form, { set: { dataLayer } });
    page.set("#p", "4155550134");
    page.click("button");
    page.consent(false);
    assert.equal(Object.hasOwn(dataLayer, "push"), false);
    assert.equal(page.user(), null);
    page.set("input", "");
    page.click("button");
    page.measure();
    page.consent(true);
    assert.deepEqual(page.user("", 1), { fm: { ph: [phone] } });
  });

  test("neither reads nor requests a config while consent is denied", () => {
    const page = open(form);
    page.consent(false);
    pages.pass(300_000);
    assert.deepEqual(page.requested, []);
    page.consent(true);
    assert.equal(page.user(), null);
  });

  test("that is switched on while consent is denied waits for the grant", () => {
    const page = open(form, { isDenied: true });
    assert.equal(page.user(), null);
    page.consent(true);
    assert.deepEqual(page.user("", 1), { fm: { em: [ada] } });
  });
});

describe("debug", () => {
  test("tells each value once, by its part, kind, first letter and field", () => {
    const page = open(
      `<form>${email("ada")}<input id="ct" name="city" value="Rome"></form>`,
      {
        set: { dataLayer: [{ userEmail: "Bob@example.com" }] },
      },
    );
    for (let i = 0; i < 3; i += 1) page.user();
    assert.deepEqual(page.told, [
      "fm em a email",
      "fm ct R city",
      "js em B userEmail",
    ]);
    page.set("input", "cy@example.com");
    page.user();
    assert.deepEqual(page.told.slice(3), ["fm em c email"]);
  });

  test("tells no name that looks like an identifier", () => {
    const page = open(
      '<form><input type="email" name="ada@example.com" value="ada@example.com"><input type="tel" name="4155550134" value="4155550134"></form>',
    );
    assert.deepEqual(page.told, ["fm em a ", "fm ph 4 "]);
  });
});

describe("a hostile page", () => {
  test("may have a form whose fields shadow its properties", () => {
    const names = [
      "elements",
      "id",
      "name",
      "children",
      "parentNode",
      "parentElement",
      "querySelectorAll",
      "getAttribute",
      "matches",
      "closest",
      "hasAttribute",
      "tagName",
      "localName",
      "textContent",
      "firstChild",
      "getRootNode",
      "attributes",
    ];
    const page = open(
      `<form>${names.map((name) => `<input name="${name}">`).join("")}<input type="email" name="length" value="ada@example.com"><button name="submit">Go</button></form>`,
    );
    assert.deepEqual(page.user(), { fm: { em: [ada] } });
    page.set("[type=email]", "bob@example.com");
    page.click("button");
    assert.deepEqual(page.user(), { fm: { em: [bob] } });
  });

  test("may define properties of forms that throw", () => {
    const page = open(`<form>${email("ada")}</form>`);
    for (const name of ["elements", "getAttribute", "id", "parentElement"])
      Object.defineProperty(page.$("form"), name, {
        get: () => assert.fail(`${name} was read`),
      });
    assert.deepEqual(page.user(), { fm: { em: [ada] } });
  });

  test("may define the value of a field as anything", () => {
    const page = open(
      `<form>${email("ada")}<input name="phone" id="p"></form>`,
    );
    const fail = () => {
      throw new Error("no");
    };
    for (const get of [fail, () => null, () => ({ toString: fail }), () => 5]) {
      Object.defineProperty(page.$("#p"), "value", { get, configurable: true });
      assert.deepEqual(page.user(), { fm: { em: [ada] } });
    }
  });

  test("may have replaced methods of elements and arrays", () => {
    const saved = [];
    const fail = () => assert.fail("a method of the page was called");
    const replace = (object, name) => {
      saved.push([object, name, Object.getOwnPropertyDescriptor(object, name)]);
      Object.defineProperty(object, name, { value: fail, configurable: true });
    };
    const page = open(`<form>${email("ada")}<button>Go</button></form>`);
    const button = page.$("button");
    for (const name of [
      "querySelectorAll",
      "matches",
      "closest",
      "getAttribute",
      "hasAttribute",
    ])
      replace(window.Element.prototype, name);
    replace(window.Document.prototype, "querySelectorAll");
    const arrays = [
      "map",
      "filter",
      "forEach",
      "indexOf",
      "includes",
      "concat",
      "slice",
      "some",
      "find",
      "splice",
    ];
    let member;
    const { push } = Array.prototype;
    for (const name of arrays) replace(Array.prototype, name);
    try {
      member = page.body();
    } finally {
      for (const [object, name, property] of saved.reverse())
        Object.defineProperty(object, name, property);
    }
    assert.equal(push, Array.prototype.push);
    assert.deepEqual(JSON.parse(member).user, { fm: { em: [ada] } });
    button.click();
  });

  test("may have thousands of fields and labels of a megabyte", () => {
    const label = `<label>${"x".repeat(1_000_000)}<input name="email" value="bob@example.com"></label>`;
    assert.deepEqual(
      scanned(
        `<form>${label}${email("ada", 'type="email"')}${'<input name="q">'.repeat(3_000)}</form>`,
      ),
      { fm: { em: [ada] } },
    );
  });

  test("may push anything to its data layer", () => {
    const fail = () => {
      throw new Error("no");
    };
    const dataLayer = [];
    const page = open("", { set: { dataLayer } });
    const cyclic = { email: "ada@example.com" };
    cyclic.self = cyclic;
    let answers = 0;
    for (const entry of [
      null,
      new Proxy({}, { ownKeys: fail }),
      new Proxy({}, { getOwnPropertyDescriptor: fail }),
      {
        get email() {
          return fail();
        },
      },
      new Proxy(
        { email: "x" },
        {
          getOwnPropertyDescriptor: () => ({
            value: `${(answers += 1)}@x`,
            configurable: true,
          }),
        },
      ),
      cyclic,
    ])
      assert.doesNotThrow(() => dataLayer.push(entry));
    assert.deepEqual(page.user(), { js: { em: [ada] } });
  });
});
