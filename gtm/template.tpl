___INFO___

{
  "type": "TAG",
  "id": "cvt_temp_public_id",
  "version": 1,
  "securityGroups": [],
  "displayName": "oaiq, a pixel for OpenAI Ads",
  "categories": [
    "ADVERTISING",
    "CONVERSIONS",
    "ANALYTICS"
  ],
  "brand": {
    "id": "brand_dummy",
    "displayName": ""
  },
  "description": "Measures what visitors do after they click your ad in ChatGPT, with your own copy of the pixel oaiq: page views, leads, orders. Events come from the data layer or from the tag's fields.",
  "containerContexts": [
    "WEB"
  ]
}


___TEMPLATE_PARAMETERS___

[
  {
    "type": "TEXT",
    "name": "scriptUrl",
    "displayName": "URL of oaiq.min.js",
    "simpleValueType": true,
    "defaultValue": "https://YOUR-SITE/oaiq.min.js",
    "valueHint": "https://www.example.com/oaiq/oaiq.min.js",
    "help": "Your own copy of the pixel's script. The template may load this one URL only: if you change it, change it under Permissions, \"Injects scripts\", too. Leave it empty if the page itself has the install snippet.",
    "valueValidators": [
      {
        "type": "REGEX",
        "args": [
          "^(https://.+|\\{\\{.+\\}\\}|)$"
        ],
        "errorMessage": "The URL must begin with https://"
      }
    ]
  },
  {
    "type": "TEXT",
    "name": "pixelId",
    "displayName": "Pixel ID",
    "simpleValueType": true,
    "help": "From OpenAI's Ads Manager.",
    "alwaysInSummary": true,
    "valueValidators": [
      {
        "type": "NON_EMPTY"
      }
    ]
  },
  {
    "type": "RADIO",
    "name": "eventSource",
    "displayName": "Event",
    "simpleValueType": true,
    "defaultValue": "layer",
    "alwaysInSummary": true,
    "radioItems": [
      {
        "value": "layer",
        "displayValue": "From the data layer",
        "help": "Name, amounts, items and order number by GA4's events, such as purchase or add_to_cart, or by Universal Analytics' enhanced ecommerce.",
        "subParams": [
          {
            "type": "SIMPLE_TABLE",
            "name": "layerEvents",
            "displayName": "Other events of the data layer",
            "newRowButtonText": "Add event",
            "simpleTableColumns": [
              {
                "name": "layerEvent",
                "displayName": "Event in the data layer",
                "type": "TEXT",
                "defaultValue": "",
                "isUnique": true,
                "valueValidators": [
                  {
                    "type": "NON_EMPTY"
                  }
                ]
              },
              {
                "name": "event",
                "displayName": "Measured as",
                "type": "SELECT",
                "defaultValue": "lead_created",
                "selectItems": [
                  {
                    "value": "page_viewed",
                    "displayValue": "page_viewed"
                  },
                  {
                    "value": "contents_viewed",
                    "displayValue": "contents_viewed"
                  },
                  {
                    "value": "items_added",
                    "displayValue": "items_added"
                  },
                  {
                    "value": "checkout_started",
                    "displayValue": "checkout_started"
                  },
                  {
                    "value": "order_created",
                    "displayValue": "order_created"
                  },
                  {
                    "value": "lead_created",
                    "displayValue": "lead_created"
                  },
                  {
                    "value": "registration_completed",
                    "displayValue": "registration_completed"
                  },
                  {
                    "value": "appointment_scheduled",
                    "displayValue": "appointment_scheduled"
                  },
                  {
                    "value": "subscription_created",
                    "displayValue": "subscription_created"
                  },
                  {
                    "value": "trial_started",
                    "displayValue": "trial_started"
                  },
                  {
                    "value": "custom",
                    "displayValue": "custom"
                  }
                ]
              }
            ]
          }
        ]
      },
      {
        "value": "standard",
        "displayValue": "A standard event",
        "subParams": [
          {
            "type": "SELECT",
            "name": "standardEvent",
            "displayName": "Name",
            "simpleValueType": true,
            "macrosInSelect": false,
            "defaultValue": "page_viewed",
            "alwaysInSummary": true,
            "selectItems": [
              {
                "value": "page_viewed",
                "displayValue": "page_viewed"
              },
              {
                "value": "contents_viewed",
                "displayValue": "contents_viewed"
              },
              {
                "value": "items_added",
                "displayValue": "items_added"
              },
              {
                "value": "checkout_started",
                "displayValue": "checkout_started"
              },
              {
                "value": "order_created",
                "displayValue": "order_created"
              },
              {
                "value": "lead_created",
                "displayValue": "lead_created"
              },
              {
                "value": "registration_completed",
                "displayValue": "registration_completed"
              },
              {
                "value": "appointment_scheduled",
                "displayValue": "appointment_scheduled"
              },
              {
                "value": "subscription_created",
                "displayValue": "subscription_created"
              },
              {
                "value": "trial_started",
                "displayValue": "trial_started"
              }
            ]
          }
        ]
      },
      {
        "value": "custom",
        "displayValue": "A custom event",
        "subParams": [
          {
            "type": "TEXT",
            "name": "customEventName",
            "displayName": "Name",
            "simpleValueType": true,
            "alwaysInSummary": true,
            "help": "1 to 64 letters, digits, _ or -, with a letter or digit at both ends. Not the name of a standard event.",
            "valueValidators": [
              {
                "type": "NON_EMPTY"
              }
            ]
          }
        ]
      }
    ]
  },
  {
    "type": "GROUP",
    "name": "details",
    "displayName": "Amount and items",
    "groupStyle": "ZIPPY_CLOSED",
    "enablingConditions": [
      {
        "paramName": "eventSource",
        "paramValue": "layer",
        "type": "NOT_EQUALS"
      }
    ],
    "subParams": [
      {
        "type": "TEXT",
        "name": "value",
        "displayName": "Value",
        "simpleValueType": true,
        "help": "In the currency's major unit, as in a data layer: 25.99. The tag converts it."
      },
      {
        "type": "TEXT",
        "name": "currency",
        "displayName": "Currency",
        "simpleValueType": true,
        "valueHint": "EUR",
        "help": "A three-letter code. A value without a currency is left out."
      },
      {
        "type": "TEXT",
        "name": "items",
        "displayName": "Items",
        "simpleValueType": true,
        "help": "A variable with a list of items as GA4 has them: item_id, item_name, price, quantity. Not for leads, sign-ups and appointments."
      },
      {
        "type": "TEXT",
        "name": "planId",
        "displayName": "Plan ID",
        "simpleValueType": true,
        "help": "For subscriptions, trials and custom events."
      }
    ]
  },
  {
    "type": "TEXT",
    "name": "eventId",
    "displayName": "Event ID",
    "simpleValueType": true,
    "help": "Your own ID of the event, such as the order number, the same as in your Conversions API call. OpenAI counts an event with the same ID once. Empty: the order number from the data layer, else a random ID."
  },
  {
    "type": "GROUP",
    "name": "user",
    "displayName": "User data",
    "groupStyle": "ZIPPY_CLOSED",
    "subParams": [
      {
        "type": "LABEL",
        "name": "userNote",
        "displayName": "Variables with what the visitor has given. The pixel hashes email address, phone number, names and customer ID in the browser; values that are SHA-256 hashes already are sent as they are. With Consent Mode, nothing of this is sent while ad_user_data is denied."
      },
      {
        "type": "TEXT",
        "name": "email_sha256",
        "displayName": "Email address",
        "simpleValueType": true
      },
      {
        "type": "TEXT",
        "name": "phone_number_sha256",
        "displayName": "Phone number, with country code",
        "simpleValueType": true
      },
      {
        "type": "TEXT",
        "name": "first_name_sha256",
        "displayName": "First name",
        "simpleValueType": true
      },
      {
        "type": "TEXT",
        "name": "last_name_sha256",
        "displayName": "Last name",
        "simpleValueType": true
      },
      {
        "type": "TEXT",
        "name": "external_id_sha256",
        "displayName": "Customer ID",
        "simpleValueType": true
      },
      {
        "type": "TEXT",
        "name": "city",
        "displayName": "City",
        "simpleValueType": true
      },
      {
        "type": "TEXT",
        "name": "region",
        "displayName": "Region",
        "simpleValueType": true
      },
      {
        "type": "TEXT",
        "name": "postal_code",
        "displayName": "Postal code",
        "simpleValueType": true
      },
      {
        "type": "TEXT",
        "name": "country",
        "displayName": "Country",
        "simpleValueType": true
      }
    ]
  },
  {
    "type": "SELECT",
    "name": "consent",
    "displayName": "Consent",
    "simpleValueType": true,
    "macrosInSelect": false,
    "defaultValue": "consentMode",
    "help": "The same in all oaiq tags. While consent is missing, the pixel stores and sends nothing and holds events in memory, so leave Tag Manager's own \"Additional consent checks\" off.",
    "selectItems": [
      {
        "value": "consentMode",
        "displayValue": "Consent Mode: wait for ad_storage"
      },
      {
        "value": "page",
        "displayValue": "As the page has set up the pixel"
      },
      {
        "value": "pending",
        "displayValue": "Wait for the page's call oaiq(\"consent\", true)"
      },
      {
        "value": "tcf",
        "displayValue": "Ask the consent manager: IAB TCF"
      },
      {
        "value": "gpp gpc",
        "displayValue": "US opt-out: IAB GPP and Global Privacy Control"
      },
      {
        "value": "gpc",
        "displayValue": "US opt-out: Global Privacy Control"
      }
    ]
  },
  {
    "type": "SELECT",
    "name": "debug",
    "displayName": "Debug",
    "simpleValueType": true,
    "macrosInSelect": true,
    "defaultValue": "false",
    "help": "Explains each step in the browser's console. Choose the variable {{Debug Mode}} for preview mode only, because it loads more for every visitor.",
    "selectItems": [
      {
        "value": "false",
        "displayValue": "Off"
      },
      {
        "value": "true",
        "displayValue": "On, for every visitor"
      }
    ]
  }
]


___SANDBOXED_JS_FOR_WEB_TEMPLATE___

// The tag: loads the site's own copy of the pixel, starts it, and measures one event each time the tag fires.
//
// This is ES5 without regular expressions, `this`, `new` and exceptions, because Tag Manager's sandbox has none of them. What is
// between "generated" and "end" is written by `npm run generate`.

var addConsentListener = require("addConsentListener");
var callInWindow = require("callInWindow");
var copyFromDataLayer = require("copyFromDataLayer");
var copyFromWindow = require("copyFromWindow");
var createArgumentsQueue = require("createArgumentsQueue");
var createQueue = require("createQueue");
var getType = require("getType");
var injectScript = require("injectScript");
var isConsentGranted = require("isConsentGranted");
var json = require("JSON");
var logToConsole = require("logToConsole");
var makeInteger = require("makeInteger");
var makeString = require("makeString");
var math = require("Math");
var queryPermission = require("queryPermission");
var setInWindow = require("setInWindow");
// what the tags of this template know about the page until it ends
var storage = require("templateStorage");

// generated: schema
// The events, with the `type` of their data.
var EVENT_SHAPES = {
  page_viewed: "contents",
  contents_viewed: "contents",
  items_added: "contents",
  checkout_started: "contents",
  order_created: "contents",
  lead_created: "customer_action",
  registration_completed: "customer_action",
  appointment_scheduled: "customer_action",
  subscription_created: "plan_enrollment",
  trial_started: "plan_enrollment",
  custom: "custom",
};

// The fields of user data.
var USER_FIELDS = [
  "external_id_sha256",
  "country",
  "city",
  "region",
  "postal_code",
  "email_sha256",
  "phone_number_sha256",
  "first_name_sha256",
  "last_name_sha256",
];

// The currencies that do not have 2 decimals, by ISO 4217.
var CURRENCY_DIGITS = {
  BIF: 0,
  CLP: 0,
  DJF: 0,
  GNF: 0,
  ISK: 0,
  JPY: 0,
  KMF: 0,
  KRW: 0,
  PYG: 0,
  RWF: 0,
  UGX: 0,
  UYI: 0,
  VND: 0,
  VUV: 0,
  XAF: 0,
  XOF: 0,
  XPF: 0,
  BHD: 3,
  IQD: 3,
  JOD: 3,
  KWD: 3,
  LYD: 3,
  OMR: 3,
  TND: 3,
  CLF: 4,
  UYW: 4,
};
// end

// The events of GA4's data layer, which docs/gtm.md lists.
var LAYER_EVENTS = {
  page_view: "page_viewed",
  view_item: "contents_viewed",
  view_item_list: "contents_viewed",
  add_to_cart: "items_added",
  begin_checkout: "checkout_started",
  purchase: "order_created",
  generate_lead: "lead_created",
  sign_up: "registration_completed",
  schedule: "appointment_scheduled",
  book_appointment: "appointment_scheduled",
  subscribe: "subscription_created",
  start_trial: "trial_started",
};

// The actions of Universal Analytics' enhanced ecommerce, by their keys in `ecommerce`. The first one that is there counts.
var ENHANCED_ACTIONS = [
  { key: "purchase", event: "order_created" },
  { key: "checkout", event: "checkout_started" },
  { key: "add", event: "items_added" },
  { key: "detail", event: "contents_viewed" },
  { key: "impressions", event: "contents_viewed" },
];

// In preview mode only: the template has no permission to log on other pages.
var log = function (message) {
  logToConsole("[oaiq tag] " + message);
};

var has = function (object, key) {
  return object.hasOwnProperty(key);
};

var isObject = function (value) {
  return getType(value) === "object";
};

// A text that is not empty, or a number as text; else undefined.
var textOf = function (value) {
  var type = getType(value);
  // only NaN differs from itself
  if (type === "number" && value === value) return makeString(value);
  var text = type === "string" ? value.trim() : "";
  return text === "" ? undefined : text;
};

// The characters of a text for which `isWanted` is true.
var charsOf = function (text, isWanted) {
  return text.split("").filter(isWanted).join("");
};

var isDigit = function (char) {
  return char !== "" && "0123456789".indexOf(char) >= 0;
};

var isMark = function (char) {
  return char === "." || char === ",";
};

var isMinus = function (char) {
  return char === "-" || char === "\u2212";
};

// Characters between groups of digits that never separate decimals.
var isGap = function (char) {
  return char !== "" && " \u00a0\u202f'\u2019".indexOf(char) >= 0;
};

var areDigits = function (text) {
  return charsOf(text, isDigit) === text;
};

var isOfOneKind = function (marks) {
  return marks.split(marks.charAt(0)).join("") === "";
};

// The digits of a whole number without group separators, if the groups are valid; else undefined. They are three digits at the
// end, and two or three before them, as in India. A number that begins with a zero has no groups.
var ungrouped = function (number) {
  var groups = [""];
  var separators = "";
  number.split("").forEach(function (char) {
    if (isDigit(char)) groups[groups.length - 1] += char;
    else {
      separators += char;
      groups.push("");
    }
  });
  var isSeparator = function (char) {
    return isMark(char) || isGap(char);
  };
  if (charsOf(separators, isSeparator) !== separators) return undefined;
  var last = groups.length - 1;
  var isValid = groups.every(function (group, index) {
    if (index === last) return last === 0 || group.length === 3;
    if (index === 0)
      return group !== "" && group.length <= 3 && group.charAt(0) !== "0";
    return group.length === 2 || group.length === 3;
  });
  return isValid && isOfOneKind(separators) ? groups.join("") : undefined;
};

// What a text can mean as an amount, as src/explain/money.rs reads it: nothing, one amount, or two, because "1.299" is slightly
// more than one in London and slightly more than a thousand in Berlin. A currency's symbol or code may stand around the number.
var readingsOf = function (text) {
  // "25,-" is a round price
  var end = text.length;
  while (
    end > 0 &&
    (isMinus(text.charAt(end - 1)) || text.charAt(end - 1) === "\u2013")
  )
    end -= 1;
  if (end < text.length && isMark(text.charAt(end - 1)))
    text = text.slice(0, end - 1);

  var isPart = function (char) {
    return isDigit(char) || isMark(char);
  };
  var start = 0;
  while (start < text.length && !isPart(text.charAt(start))) start += 1;
  end = text.length;
  while (end > start && !isPart(text.charAt(end - 1))) end -= 1;
  var before = text.slice(0, start);
  var number = text.slice(start, end);
  // the point of an abbreviation, "kr." or "Rs.", does not belong to the number
  var char = before.charAt(before.length - 1);
  if (char.toLowerCase() !== char.toUpperCase())
    while (number !== "" && !isDigit(number.charAt(0)))
      number = number.slice(1);

  var minuses = charsOf(before, isMinus).length;
  if (minuses > 1) return [];
  var readings = [];
  var add = function (whole, decimals) {
    if (whole !== undefined && whole + decimals !== "")
      readings.push({
        sign: minuses === 1 ? -1 : 1,
        whole: whole,
        decimals: decimals,
      });
  };
  var marks = charsOf(number, isMark);
  var at = math.max(number.lastIndexOf("."), number.lastIndexOf(","));
  var decimals = number.slice(at + 1);
  if (
    marks.length > 0 &&
    (marks.length === 1 || !isOfOneKind(marks)) &&
    areDigits(decimals)
  )
    add(ungrouped(number.slice(0, at)), decimals);
  if (isOfOneKind(marks)) add(ungrouped(number), "");
  return readings;
};

// Converts a number in a currency's major unit to its minor unit; undefined if that is no whole number. A number that is the
// sum of prices differs from the exact sum by less than a millionth of a minor unit.
var numberToMinor = function (number, digits) {
  var factor = math.pow(10, digits);
  var minor = math.round(number * factor);
  var isExact =
    minor / factor === number || math.abs(number * factor - minor) < 1e-6;
  return isExact && math.abs(minor) <= 9007199254740991 ? minor + 0 : undefined;
};

// The same for a reading of a text, by its digits.
var readingToMinor = function (reading, digits) {
  var decimals = reading.decimals;
  while (decimals.length < digits) decimals += "0";
  var rest = decimals.slice(digits);
  var all = reading.whole + decimals.slice(0, digits);
  while (all.length > 1 && all.charAt(0) === "0") all = all.slice(1);
  // longer numbers are not exact
  if (rest.split("0").join("") !== "" || all.length > 15) return undefined;
  return reading.sign * makeInteger(all) + 0;
};

// An amount in minor units; undefined, with the reason in the console, if it is unclear. `what` names it there.
var amountOf = function (value, currency, what) {
  var type = getType(value);
  if (value === undefined || value === null || value === "") return undefined;
  var leaveOut = function (why) {
    log(what + " is left out: " + why);
    return undefined;
  };
  if (!currency)
    return leaveOut("it has no currency. Add a three-letter code such as EUR");
  var digits = has(CURRENCY_DIGITS, currency) ? CURRENCY_DIGITS[currency] : 2;
  var minor;
  if (type === "number") minor = numberToMinor(value, digits);
  else if (type === "string") {
    var readings = readingsOf(value.trim());
    if (readings.length > 1)
      return leaveOut(
        '"' + value + '" has two meanings. Use a number, such as 1299.5'
      );
    if (readings.length === 1) minor = readingToMinor(readings[0], digits);
  }
  if (minor === undefined)
    return leaveOut(
      json.stringify(value) +
        " is no amount of " +
        currency +
        ", which has " +
        digits +
        " decimals. Use a number in the major unit, such as 25.99"
    );
  return minor;
};

// A currency in upper case; undefined, with the reason in the console, if it is no three-letter code.
var currencyOf = function (value) {
  var text = textOf(value);
  if (text === undefined) return undefined;
  var code = text.toUpperCase();
  var isLetter = function (char) {
    return "ABCDEFGHIJKLMNOPQRSTUVWXYZ".indexOf(char) >= 0;
  };
  if (code.length === 3 && charsOf(code, isLetter) === code) return code;
  log(
    'the currency "' +
      text +
      '" is left out: use a three-letter code such as EUR'
  );
  return undefined;
};

// A whole number of pieces, else undefined.
var quantityOf = function (value) {
  if (getType(value) === "string") {
    var text = value.trim();
    if (text === "" || text.length > 15 || !areDigits(text)) return undefined;
    return makeInteger(text);
  }
  if (getType(value) !== "number") return undefined;
  return math.floor(value) === value && math.abs(value) <= 9007199254740991
    ? value
    : undefined;
};

// The first of these fields that is a text or a number.
var firstText = function (object, keys) {
  var found;
  keys.forEach(function (key) {
    if (found === undefined) found = textOf(object[key]);
  });
  return found;
};

// The items of an ecommerce event as `contents`. An item without an ID and a name is left out.
var contentsOf = function (items, eventCurrency) {
  if (items === undefined || items === null) return [];
  if (getType(items) !== "array") {
    log("the items are left out: they must be a list");
    return [];
  }
  var contents = [];
  items.forEach(function (item, index) {
    var what = "item " + (index + 1);
    var id = isObject(item) && firstText(item, ["item_id", "id", "sku"]);
    var name = isObject(item) && firstText(item, ["item_name", "name"]);
    if (!id && !name) {
      log(what + " is left out: it must be an object with an ID or a name");
      return;
    }
    var content = { content_type: "product" };
    if (id) content.id = id;
    if (name) content.name = name;
    var ownCurrency = currencyOf(item.currency);
    var amount = amountOf(
      item.price,
      ownCurrency || eventCurrency,
      "the price of " + what
    );
    if (amount !== undefined) {
      content.amount = amount;
      if (ownCurrency && ownCurrency !== eventCurrency)
        content.currency = ownCurrency;
    }
    var quantity = quantityOf(item.quantity);
    if (quantity !== undefined) content.quantity = quantity;
    contents.push(content);
  });
  return contents;
};

// `data` of an event. `fields` has value, currency, items and plan_id, as a data layer has them.
var dataOf = function (event, fields) {
  var shape = EVENT_SHAPES[event];
  var result = { type: shape };
  var currency = currencyOf(fields.currency);
  var amount = amountOf(fields.value, currency, "the value");
  if (amount !== undefined) result.amount = amount;
  if (currency) result.currency = currency;
  if (shape !== "customer_action") {
    var contents = contentsOf(fields.items, currency);
    if (contents.length > 0) result.contents = contents;
  }
  var planId = textOf(fields.plan_id);
  if (planId && (shape === "plan_enrollment" || shape === "custom"))
    result.plan_id = planId;
  return result;
};

// The value of a key that was last pushed to the data layer. Version 1 does not merge it with what was pushed before.
var readLayer = function (key) {
  return copyFromDataLayer(key, 1);
};

// The action of an `ecommerce` object of Universal Analytics, with its data in the fields of GA4; else undefined.
var enhancedAction = function (ecommerce) {
  if (!isObject(ecommerce) || ecommerce.items !== undefined) return undefined;
  var found = ENHANCED_ACTIONS.filter(function (action) {
    var type = getType(ecommerce[action.key]);
    return type === "object" || type === "array";
  })[0];
  if (!found) return undefined;
  var action = ecommerce[found.key];
  var isList = getType(action) === "array";
  var about = !isList && isObject(action.actionField) ? action.actionField : {};
  return {
    event: found.event,
    step: textOf(about.step),
    fields: {
      value: about.revenue,
      currency: ecommerce.currencyCode,
      items: isList ? action : action.products,
      transaction_id: about.id,
    },
  };
};

// Where the data layer has an event's data: in `ecommerce`, in the parameters of a `gtag` call (`eventModel`), or in keys of its
// own. A lead or a registration is no ecommerce event, and what is in `ecommerce` may be left over from an earlier one.
var layerFields = function (event) {
  var shape = EVENT_SHAPES[event];
  var ecommerce = readLayer("ecommerce");
  var model = readLayer("eventModel");
  var fields = {};
  if (shape !== "customer_action" && isObject(ecommerce)) {
    var action = enhancedAction(ecommerce);
    fields = action ? action.fields : ecommerce;
  } else if (isObject(model)) return model;
  else
    ["value", "currency", "items", "transaction_id"].forEach(function (key) {
      fields[key] = readLayer(key);
    });
  return {
    value: fields.value,
    currency: fields.currency,
    items: fields.items,
    transaction_id: fields.transaction_id,
    plan_id: textOf(fields.plan_id) || readLayer("plan_id"),
    event_id: readLayer("event_id"),
    lead_id: readLayer("lead_id"),
  };
};

// The event for what the data layer has last been told: by the tag's own table, by GA4's name, or by what an `ecommerce` object
// of Universal Analytics says.
var chooseLayerEvent = function (name) {
  var own = (data.layerEvents || []).filter(function (row) {
    return name && textOf(row.layerEvent) === name;
  })[0];
  if (own) return own.event;
  if (name && has(LAYER_EVENTS, name)) return LAYER_EVENTS[name];
  var action = enhancedAction(readLayer("ecommerce"));
  // later steps belong to a checkout that has already started
  if (
    action &&
    (!action.step || action.step === "1" || action.event !== "checkout_started")
  )
    return action.event;
  return undefined;
};

// The event, its data and its ID by the data layer; undefined, with the reason in the console, if there is nothing to measure.
var readLayerEvent = function () {
  var name = textOf(readLayer("event"));
  var event = chooseLayerEvent(name);
  if (!event || !has(EVENT_SHAPES, event)) {
    log(
      "nothing is measured for the data layer's event \"" +
        name +
        '": fire the tag on other events, or add this one to "Other events of the data layer"'
    );
    return undefined;
  }
  // a view of a page has no amount, and what the data layer has is left over from another event
  var fields = event === "page_viewed" ? {} : layerFields(event);
  var id;
  if (event === "order_created") {
    id = textOf(fields.transaction_id);
    if (!id)
      log(
        "the order has no transaction_id: a reload of the page counts it again"
      );
  } else if (event === "lead_created")
    id = textOf(fields.event_id) || textOf(fields.lead_id);
  return {
    name: event,
    customName: event === "custom" ? name : undefined,
    data: dataOf(event, fields),
    id: id,
  };
};

// The event that the tag's fields describe; undefined, with the reason in the console, if they do not.
var readOwnEvent = function () {
  var isCustom = data.eventSource === "custom";
  var name = isCustom ? "custom" : textOf(data.standardEvent);
  var customName = isCustom ? textOf(data.customEventName) : undefined;
  if (!name || !has(EVENT_SHAPES, name) || (isCustom && !customName)) {
    log("nothing is measured: the tag has no event. Choose or name one");
    return undefined;
  }
  return {
    name: name,
    customName: customName,
    data: dataOf(name, {
      value: data.value,
      currency: data.currency,
      items: data.items,
      plan_id: data.planId,
    }),
  };
};

// What `window.oaiq` is: "function" (a snippet's queue, or the pixel), "array" or "object" (left by the page for the pixel). If it
// is nothing of these, this makes a queue.
var findQueue = function () {
  var type = getType(copyFromWindow("oaiq"));
  if (type === "function" || type === "array" || type === "object") return type;
  if (createArgumentsQueue("oaiq", "oaiq.q")) return "function";
  setInWindow("oaiq", {}, true);
  return "object";
};

// Calls the pixel. Before it has loaded, the call waits in the queue.
var callPixel = function (args) {
  var type = findQueue();
  if (type === "array") createQueue("oaiq")(args);
  // the object has the page's config, and must stay
  else if (type === "object") createQueue("oaiq.q")(args);
  else if (args.length === 2) callInWindow("oaiq", args[0], args[1]);
  else callInWindow("oaiq", args[0], args[1], args[2], args[3], args[4]);
};

var setConfig = function (key, value) {
  findQueue();
  setInWindow("oaiq.config", {}, false);
  setInWindow("oaiq.config." + key, value, true);
};

var isConsentMode = data.consent === "consentMode";

// Whether this tag may measure. The first tag of the page decides how the pixel learns of consent.
var agreeOnConsent = function () {
  var agreed = storage.getItem("consent");
  if (agreed && agreed.setting !== data.consent) {
    log(
      'nothing is measured: an oaiq tag with another setting of "Consent" has fired before. Use the same in all tags of the page'
    );
    return false;
  }
  var isLoaded = copyFromWindow("oaiq.loaded") === true;
  if (!agreed) {
    agreed = {
      setting: data.consent,
      // the pixel reads its options only once
      isGated:
        data.consent === "page" ||
        !isLoaded ||
        isObject(copyFromWindow("oaiq.consentState")),
    };
  }
  var isGranted = isConsentMode && isConsentGranted("ad_storage");
  if (!agreed.isGated && !isGranted) {
    log(
      'nothing is measured: the page has started the pixel without waiting for consent. Let the page wait (docs/consent.md), and set "Consent" to "As the page has set up the pixel"'
    );
    return false;
  }
  if (storage.getItem("consent")) return true;
  storage.setItem("consent", agreed);
  if (isConsentMode) {
    if (isGranted) callPixel(["consent", true]);
    else if (!isLoaded) setConfig("consent", "pending");
    addConsentListener("ad_storage", function (type, granted) {
      callPixel(["consent", granted]);
    });
    addConsentListener("ad_user_data", function (type, granted) {
      (storage.getItem("pixels") || []).forEach(function (pixel) {
        if (!pixel.user) return;
        pixel.sent = granted ? json.stringify(pixel.user) : "";
        callPixel([
          "init",
          { pixelId: pixel.id, user: granted ? pixel.user : null },
        ]);
      });
    });
  } else if (data.consent === "pending") setConfig("consent", "pending");
  else if (data.consent !== "page") setConfig("consentSource", data.consent);
  return true;
};

// What the tag's fields say about the visitor; undefined if they say nothing.
var readUser = function () {
  var user = {};
  var isEmpty = true;
  USER_FIELDS.forEach(function (field) {
    var value = textOf(data[field]);
    if (!value) return;
    user[field] = value;
    isEmpty = false;
  });
  return isEmpty ? undefined : user;
};

// Starts the pixel, unless an earlier tag has and there is nothing new about the visitor.
var startPixel = function (pixelId) {
  var pixels = storage.getItem("pixels") || [];
  var pixel = pixels.filter(function (known) {
    return known.id === pixelId;
  })[0];
  var options = { pixelId: pixelId };
  if (data.debug === true || data.debug === "true") options.debug = true;
  var isNew = !pixel;
  if (!pixel) {
    pixel = { id: pixelId, sent: "" };
    pixels.push(pixel);
  }
  pixel.user = readUser() || pixel.user;
  var mayBeSent = !isConsentMode || isConsentGranted("ad_user_data");
  var user = pixel.user && mayBeSent ? json.stringify(pixel.user) : "";
  var isNews = user !== "" && user !== pixel.sent;
  if (isNews) {
    options.user = pixel.user;
    pixel.sent = user;
  }
  storage.setItem("pixels", pixels);
  if (isNew || isNews) callPixel(["init", options]);
};

// Loads the script, and reports to Tag Manager how that went. All tags of a page share one script element.
var loadScript = function (url) {
  if (!url || copyFromWindow("oaiq.loaded") === true) {
    data.gtmOnSuccess();
    return;
  }
  injectScript(
    url,
    data.gtmOnSuccess,
    function () {
      log(
        "nothing is measured: " +
          url +
          " could not be loaded. Open it in a tab, and allow it in the page's Content-Security-Policy"
      );
      data.gtmOnFailure();
    },
    url
  );
};

// Whether the script is on the page, or may be loaded.
var canLoad = function (url) {
  var type = getType(copyFromWindow("oaiq"));
  if (!url) {
    if (type === "function") return true;
    log(
      "nothing is measured: enter the URL of oaiq.min.js, because the page has no install snippet before this tag"
    );
    return false;
  }
  if (
    copyFromWindow("oaiq.loaded") === true ||
    queryPermission("inject_script", url)
  )
    return true;
  log(
    "nothing is measured: the template may not load " +
      url +
      '. Open the template, and enter this URL under Permissions, "Injects scripts"'
  );
  return false;
};

var run = function () {
  var pixelId = textOf(data.pixelId);
  var url = textOf(data.scriptUrl);
  if (!pixelId) {
    log("nothing is measured: the pixel ID is empty. Enter it in the tag");
    return false;
  }
  var event = data.eventSource === "layer" ? readLayerEvent() : readOwnEvent();
  if (!event || !canLoad(url) || !agreeOnConsent()) return false;
  startPixel(pixelId);
  var options = {};
  var id = textOf(data.eventId) || event.id;
  if (id) options.event_id = id;
  if (event.customName) options.custom_event_name = event.customName;
  callPixel(["measureSingle", pixelId, event.name, event.data, options]);
  loadScript(url);
  return true;
};

if (!run()) data.gtmOnFailure();


___WEB_PERMISSIONS___

[
  {
    "instance": {
      "key": {
        "publicId": "access_globals",
        "versionId": "1"
      },
      "param": [
        {
          "key": "keys",
          "value": {
            "type": 2,
            "listItem": [
              {
                "type": 3,
                "mapKey": [
                  {
                    "type": 1,
                    "string": "key"
                  },
                  {
                    "type": 1,
                    "string": "read"
                  },
                  {
                    "type": 1,
                    "string": "write"
                  },
                  {
                    "type": 1,
                    "string": "execute"
                  }
                ],
                "mapValue": [
                  {
                    "type": 1,
                    "string": "oaiq"
                  },
                  {
                    "type": 8,
                    "boolean": true
                  },
                  {
                    "type": 8,
                    "boolean": true
                  },
                  {
                    "type": 8,
                    "boolean": true
                  }
                ]
              },
              {
                "type": 3,
                "mapKey": [
                  {
                    "type": 1,
                    "string": "key"
                  },
                  {
                    "type": 1,
                    "string": "read"
                  },
                  {
                    "type": 1,
                    "string": "write"
                  },
                  {
                    "type": 1,
                    "string": "execute"
                  }
                ],
                "mapValue": [
                  {
                    "type": 1,
                    "string": "oaiq.q"
                  },
                  {
                    "type": 8,
                    "boolean": true
                  },
                  {
                    "type": 8,
                    "boolean": true
                  },
                  {
                    "type": 8,
                    "boolean": false
                  }
                ]
              },
              {
                "type": 3,
                "mapKey": [
                  {
                    "type": 1,
                    "string": "key"
                  },
                  {
                    "type": 1,
                    "string": "read"
                  },
                  {
                    "type": 1,
                    "string": "write"
                  },
                  {
                    "type": 1,
                    "string": "execute"
                  }
                ],
                "mapValue": [
                  {
                    "type": 1,
                    "string": "oaiq.config"
                  },
                  {
                    "type": 8,
                    "boolean": true
                  },
                  {
                    "type": 8,
                    "boolean": true
                  },
                  {
                    "type": 8,
                    "boolean": false
                  }
                ]
              },
              {
                "type": 3,
                "mapKey": [
                  {
                    "type": 1,
                    "string": "key"
                  },
                  {
                    "type": 1,
                    "string": "read"
                  },
                  {
                    "type": 1,
                    "string": "write"
                  },
                  {
                    "type": 1,
                    "string": "execute"
                  }
                ],
                "mapValue": [
                  {
                    "type": 1,
                    "string": "oaiq.config.consent"
                  },
                  {
                    "type": 8,
                    "boolean": true
                  },
                  {
                    "type": 8,
                    "boolean": true
                  },
                  {
                    "type": 8,
                    "boolean": false
                  }
                ]
              },
              {
                "type": 3,
                "mapKey": [
                  {
                    "type": 1,
                    "string": "key"
                  },
                  {
                    "type": 1,
                    "string": "read"
                  },
                  {
                    "type": 1,
                    "string": "write"
                  },
                  {
                    "type": 1,
                    "string": "execute"
                  }
                ],
                "mapValue": [
                  {
                    "type": 1,
                    "string": "oaiq.config.consentSource"
                  },
                  {
                    "type": 8,
                    "boolean": true
                  },
                  {
                    "type": 8,
                    "boolean": true
                  },
                  {
                    "type": 8,
                    "boolean": false
                  }
                ]
              },
              {
                "type": 3,
                "mapKey": [
                  {
                    "type": 1,
                    "string": "key"
                  },
                  {
                    "type": 1,
                    "string": "read"
                  },
                  {
                    "type": 1,
                    "string": "write"
                  },
                  {
                    "type": 1,
                    "string": "execute"
                  }
                ],
                "mapValue": [
                  {
                    "type": 1,
                    "string": "oaiq.loaded"
                  },
                  {
                    "type": 8,
                    "boolean": true
                  },
                  {
                    "type": 8,
                    "boolean": false
                  },
                  {
                    "type": 8,
                    "boolean": false
                  }
                ]
              },
              {
                "type": 3,
                "mapKey": [
                  {
                    "type": 1,
                    "string": "key"
                  },
                  {
                    "type": 1,
                    "string": "read"
                  },
                  {
                    "type": 1,
                    "string": "write"
                  },
                  {
                    "type": 1,
                    "string": "execute"
                  }
                ],
                "mapValue": [
                  {
                    "type": 1,
                    "string": "oaiq.consentState"
                  },
                  {
                    "type": 8,
                    "boolean": true
                  },
                  {
                    "type": 8,
                    "boolean": false
                  },
                  {
                    "type": 8,
                    "boolean": false
                  }
                ]
              }
            ]
          }
        }
      ]
    },
    "clientAnnotations": {
      "isEditedByUser": true
    },
    "isRequired": true
  },
  {
    "instance": {
      "key": {
        "publicId": "inject_script",
        "versionId": "1"
      },
      "param": [
        {
          "key": "urls",
          "value": {
            "type": 2,
            "listItem": [
              {
                "type": 1,
                "string": "https://YOUR-SITE/oaiq.min.js"
              }
            ]
          }
        }
      ]
    },
    "clientAnnotations": {
      "isEditedByUser": true
    },
    "isRequired": true
  },
  {
    "instance": {
      "key": {
        "publicId": "read_data_layer",
        "versionId": "1"
      },
      "param": [
        {
          "key": "allowedKeys",
          "value": {
            "type": 1,
            "string": "specific"
          }
        },
        {
          "key": "keyPatterns",
          "value": {
            "type": 2,
            "listItem": [
              {
                "type": 1,
                "string": "event"
              },
              {
                "type": 1,
                "string": "ecommerce"
              },
              {
                "type": 1,
                "string": "eventModel"
              },
              {
                "type": 1,
                "string": "value"
              },
              {
                "type": 1,
                "string": "currency"
              },
              {
                "type": 1,
                "string": "items"
              },
              {
                "type": 1,
                "string": "transaction_id"
              },
              {
                "type": 1,
                "string": "plan_id"
              },
              {
                "type": 1,
                "string": "event_id"
              },
              {
                "type": 1,
                "string": "lead_id"
              }
            ]
          }
        }
      ]
    },
    "clientAnnotations": {
      "isEditedByUser": true
    },
    "isRequired": true
  },
  {
    "instance": {
      "key": {
        "publicId": "access_consent",
        "versionId": "1"
      },
      "param": [
        {
          "key": "consentTypes",
          "value": {
            "type": 2,
            "listItem": [
              {
                "type": 3,
                "mapKey": [
                  {
                    "type": 1,
                    "string": "consentType"
                  },
                  {
                    "type": 1,
                    "string": "read"
                  },
                  {
                    "type": 1,
                    "string": "write"
                  }
                ],
                "mapValue": [
                  {
                    "type": 1,
                    "string": "ad_storage"
                  },
                  {
                    "type": 8,
                    "boolean": true
                  },
                  {
                    "type": 8,
                    "boolean": false
                  }
                ]
              },
              {
                "type": 3,
                "mapKey": [
                  {
                    "type": 1,
                    "string": "consentType"
                  },
                  {
                    "type": 1,
                    "string": "read"
                  },
                  {
                    "type": 1,
                    "string": "write"
                  }
                ],
                "mapValue": [
                  {
                    "type": 1,
                    "string": "ad_user_data"
                  },
                  {
                    "type": 8,
                    "boolean": true
                  },
                  {
                    "type": 8,
                    "boolean": false
                  }
                ]
              }
            ]
          }
        }
      ]
    },
    "clientAnnotations": {
      "isEditedByUser": true
    },
    "isRequired": true
  },
  {
    "instance": {
      "key": {
        "publicId": "access_template_storage",
        "versionId": "1"
      },
      "param": []
    },
    "isRequired": true
  },
  {
    "instance": {
      "key": {
        "publicId": "logging",
        "versionId": "1"
      },
      "param": [
        {
          "key": "environments",
          "value": {
            "type": 1,
            "string": "debug"
          }
        }
      ]
    },
    "clientAnnotations": {
      "isEditedByUser": true
    },
    "isRequired": true
  }
]


___TESTS___

scenarios:
- name: loads the script, starts the pixel and measures a page view
  code: |-
    runCode(tag({ eventSource: "standard", standardEvent: "page_viewed" }));
    assertThat(scripts).isEqualTo(["https://www.example.com/oaiq.min.js"]);
    assertThat(calls).isEqualTo([
      ["init", { pixelId: "PIXEL" }],
      ["measureSingle", "PIXEL", "page_viewed", { type: "contents" }, {}],
    ]);
    assertApi("gtmOnSuccess").wasCalled();
    assertThat(logged).isEqualTo([]);
- name: starts a pixel once for all its tags
  code: |-
    runCode(tag({ eventSource: "standard", standardEvent: "page_viewed" }));
    runCode(tag({ eventSource: "standard", standardEvent: "lead_created" }));
    runCode(
      tag({
        pixelId: "OTHER",
        eventSource: "standard",
        standardEvent: "lead_created",
      })
    );
    assertThat(
      calls
        .filter(function (call) {
          return call[0] === "init";
        })
        .map(function (call) {
          return call[1].pixelId;
        })
    ).isEqualTo(["PIXEL", "OTHER"]);
- name: measures a purchase of GA4 with its order number
  code: |-
    layer = { event: "purchase", ecommerce: PURCHASE };
    runCode(tag());
    assertThat(measured()).isEqualTo({
      name: "order_created",
      data: {
        type: "contents",
        amount: 5997,
        currency: "EUR",
        contents: [
          {
            content_type: "product",
            id: "mug",
            name: "Mug",
            amount: 1999,
            quantity: 3,
          },
        ],
      },
      options: { event_id: "T-1" },
    });
- name: measures the parameters of a gtag call
  code: |-
    layer = { event: "purchase", eventModel: PURCHASE };
    runCode(tag());
    assertThat(measured().data.amount).isEqualTo(5997);
    assertThat(measured().options).isEqualTo({ event_id: "T-1" });
- name: measures keys that stand in the data layer itself
  code: |-
    layer = {
      event: "purchase",
      transaction_id: "T-1",
      value: 59.97,
      currency: "EUR",
      items: PURCHASE.items,
    };
    runCode(tag());
    assertThat(measured().data.contents.length).isEqualTo(1);
    assertThat(measured().data.amount).isEqualTo(5997);
    assertThat(measured().options).isEqualTo({ event_id: "T-1" });
- name: measures a purchase of Universal Analytics
  code: |-
    layer = {
      event: "gtm.js",
      ecommerce: {
        currencyCode: "USD",
        purchase: {
          actionField: { id: 1042, revenue: "25.99" },
          products: [{ id: "p1", name: "Lamp", price: "25.99", quantity: "1" }],
        },
      },
    };
    runCode(tag());
    assertThat(measured()).isEqualTo({
      name: "order_created",
      data: {
        type: "contents",
        amount: 2599,
        currency: "USD",
        contents: [
          {
            content_type: "product",
            id: "p1",
            name: "Lamp",
            amount: 2599,
            quantity: 1,
          },
        ],
      },
      options: { event_id: "1042" },
    });
- name: measures the first step of a checkout of Universal Analytics only
  code: |-
    layer = {
      event: "checkout",
      ecommerce: { checkout: { actionField: { step: 1 }, products: [] } },
    };
    runCode(tag());
    assertThat(measured().name).isEqualTo("checkout_started");
    layer = {
      event: "checkout",
      ecommerce: { checkout: { actionField: { step: 2 }, products: [] } },
    };
    runCode(tag());
    assertThat(calls.length).isEqualTo(2);
    assertApi("gtmOnFailure").wasCalled();
- name: measures lists and details of Universal Analytics
  code: |-
    layer = {
      event: "x",
      ecommerce: { impressions: [{ id: "p1" }, { name: "Lamp" }] },
    };
    runCode(tag());
    assertThat(measured().name).isEqualTo("contents_viewed");
    assertThat(measured().data.contents).isEqualTo([
      { content_type: "product", id: "p1" },
      { content_type: "product", name: "Lamp" },
    ]);
    layer = { event: "x", ecommerce: { add: { products: [{ id: "p1" }] } } };
    runCode(tag());
    assertThat(measured().name).isEqualTo("items_added");
- name: measures a lead by its own keys, whatever is left in ecommerce
  code: |-
    layer = {
      event: "generate_lead",
      ecommerce: PURCHASE,
      value: 50,
      currency: "EUR",
      lead_id: "L-7",
    };
    runCode(tag());
    assertThat(measured()).isEqualTo({
      name: "lead_created",
      data: { type: "customer_action", amount: 5000, currency: "EUR" },
      options: { event_id: "L-7" },
    });
    layer.event_id = "E-1";
    runCode(tag());
    assertThat(measured().options).isEqualTo({ event_id: "E-1" });
- name: measures a page view without what is left in the data layer
  code: |-
    layer = { event: "page_view", ecommerce: PURCHASE, value: 1, currency: "EUR" };
    runCode(tag());
    assertThat(measured()).isEqualTo({
      name: "page_viewed",
      data: { type: "contents" },
      options: {},
    });
- name: measures a subscription with its plan
  code: |-
    layer = { event: "subscribe", plan_id: "pro", value: "9,90", currency: "eur" };
    runCode(tag());
    assertThat(measured()).isEqualTo({
      name: "subscription_created",
      data: {
        type: "plan_enrollment",
        amount: 990,
        currency: "EUR",
        plan_id: "pro",
      },
      options: {},
    });
- name: measures other events of the data layer as the tag says
  code: |-
    var rows = [
      { layerEvent: "demo_booked", event: "appointment_scheduled" },
      { layerEvent: "quiz_done", event: "custom" },
      { layerEvent: "sign_up", event: "lead_created" },
    ];
    layer = { event: "demo_booked" };
    runCode(tag({ layerEvents: rows }));
    assertThat(measured().name).isEqualTo("appointment_scheduled");
    layer = { event: "quiz_done" };
    runCode(tag({ layerEvents: rows }));
    assertThat(measured().name).isEqualTo("custom");
    assertThat(measured().options).isEqualTo({ custom_event_name: "quiz_done" });
    layer = { event: "sign_up" };
    runCode(tag({ layerEvents: rows }));
    assertThat(measured().name).isEqualTo("lead_created");
- name: fails on an event of the data layer that it does not know
  code: |-
    ["scroll", "constructor", undefined, 7].forEach(function (name) {
      layer = { event: name };
      runCode(tag());
    });
    assertThat(calls).isEqualTo([]);
    assertThat(scripts).isEqualTo([]);
    assertThat(logged.length).isEqualTo(4);
    assertThat(logged[0]).contains('"scroll"');
    assertApi("gtmOnFailure").wasCalled();
    assertApi("gtmOnSuccess").wasNotCalled();
- name: converts amounts exactly by the decimals of their currency
  code: |-
    [
      [19.99, "USD", 1999],
      [8.7, "USD", 870],
      [1.1 + 2.2, "EUR", 330],
      [0, "EUR", 0],
      [-5.5, "EUR", -550],
      [500, "JPY", 500],
      [12.345, "KWD", 12345],
      [0.0001, "CLF", 1],
      ["25.99", "USD", 2599],
      ["25,99 €", "EUR", 2599],
      ["1.299,00", "EUR", 129900],
      ["1,299.00", "USD", 129900],
      ["CHF 1'299.50", "CHF", 129950],
      ["Rs. 25.50", "INR", 2550],
      ["1,23,456.00", "INR", 12345600],
      ["25,-", "EUR", 2500],
      ["0,500", "KWD", 500],
      ["1299,000", "EUR", 129900],
      ["-0.5", "USD", -50],
    ].forEach(function (example) {
      assertThat(amountOf(example[0], example[1])).isEqualTo(example[2]);
    });
    assertThat(logged).isEqualTo([]);
- name: leaves out an amount that is unclear
  code: |-
    var examples = [
      ["1.299", "EUR"],
      ["1,299", "USD"],
      ["free", "USD"],
      ["1.2.3", "USD"],
      ["--5", "USD"],
      ["25.995", "USD"],
      [25.995, "USD"],
      [0.5, "JPY"],
      [1e300, "USD"],
      [0 / 0, "USD"],
      [true, "USD"],
      [{}, "USD"],
      ["25.99", "€"],
      [25.99, undefined],
    ];
    examples.forEach(function (example) {
      assertThat(amountOf(example[0], example[1])).isUndefined();
    });
    // one line says what is wrong with the currency, one what that means for the value
    assertThat(logged.length).isEqualTo(examples.length + 1);
- name: leaves out items that cannot be identified
  code: |-
    layer = {
      event: "view_item",
      ecommerce: {
        items: [
          "mug",
          null,
          {},
          { item_id: 7, price: 5, currency: "usd", quantity: 1.5 },
          { sku: " s ", quantity: "two" },
        ],
        currency: "EUR",
      },
    };
    runCode(tag());
    assertThat(measured().data.contents).isEqualTo([
      { content_type: "product", id: "7", amount: 500, currency: "USD" },
      { content_type: "product", id: "s" },
    ]);
    assertThat(logged.length).isEqualTo(3);
    layer.ecommerce.items = "mug";
    runCode(tag());
    assertThat(measured().data.contents).isUndefined();
    assertThat(logged.length).isEqualTo(4);
- name: "measures a standard event with the tag's fields"
  code: |-
    runCode(
      tag({
        eventSource: "standard",
        standardEvent: "checkout_started",
        value: "59.97",
        currency: "EUR",
        items: PURCHASE.items,
        planId: "not for this event",
        eventId: 99,
      })
    );
    assertThat(measured().data.amount).isEqualTo(5997);
    assertThat(measured().data.contents.length).isEqualTo(1);
    assertThat(measured().data.plan_id).isUndefined();
    assertThat(measured().options).isEqualTo({ event_id: "99" });
- name: measures a custom event under its name
  code: |-
    runCode(
      tag({ eventSource: "custom", customEventName: "quiz_done", planId: "pro" })
    );
    assertThat(measured()).isEqualTo({
      name: "custom",
      data: { type: "custom", plan_id: "pro" },
      options: { custom_event_name: "quiz_done" },
    });
    runCode(tag({ eventSource: "custom", customEventName: undefined }));
    assertApi("gtmOnFailure").wasCalled();
- name: takes the event ID of the tag before the one of the data layer
  code: |-
    layer = { event: "purchase", ecommerce: PURCHASE };
    runCode(tag({ eventId: "E-1" }));
    assertThat(measured().options).isEqualTo({ event_id: "E-1" });
- name: says that an order without a number may count twice
  code: |-
    layer = { event: "purchase", ecommerce: { value: 1, currency: "EUR" } };
    runCode(tag());
    assertThat(measured().options).isEqualTo({});
    assertThat(logged.length).isEqualTo(1);
- name: passes user data on once, and again when it changes
  code: |-
    var view = function (user) {
      user.eventSource = "standard";
      user.standardEvent = "page_viewed";
      runCode(tag(user));
    };
    view({});
    view({ email_sha256: "jane@example.com", external_id_sha256: 42, city: "" });
    view({ email_sha256: "jane@example.com", external_id_sha256: 42 });
    view({});
    view({ email_sha256: "john@example.com" });
    assertThat(
      calls.filter(function (call) {
        return call[0] === "init";
      })
    ).isEqualTo([
      ["init", { pixelId: "PIXEL" }],
      [
        "init",
        {
          pixelId: "PIXEL",
          user: { external_id_sha256: "42", email_sha256: "jane@example.com" },
        },
      ],
      ["init", { pixelId: "PIXEL", user: { email_sha256: "john@example.com" } }],
    ]);
- name: grants consent at once where Consent Mode has it
  code: |-
    layer = { event: "sign_up" };
    runCode(tag({ consent: "consentMode" }));
    assertThat(calls[0]).isEqualTo(["consent", true]);
    assertThat(page["oaiq.config.consent"]).isUndefined();
    listeners.ad_storage("ad_storage", false);
    assertThat(calls[calls.length - 1]).isEqualTo(["consent", false]);
- name: lets the pixel wait while ad_storage is denied
  code: |-
    granted.ad_storage = false;
    layer = { event: "sign_up" };
    runCode(tag({ consent: "consentMode" }));
    assertThat(page["oaiq.config.consent"]).isEqualTo("pending");
    assertThat(calls[0][0]).isEqualTo("init");
    runCode(tag({ consent: "consentMode" }));
    assertThat(calls.length).isEqualTo(3);
    listeners.ad_storage("ad_storage", true);
    assertThat(calls[3]).isEqualTo(["consent", true]);
    assertApi("gtmOnSuccess").wasCalled();
- name: withholds user data while ad_user_data is denied
  code: |-
    granted.ad_user_data = false;
    layer = { event: "sign_up" };
    runCode(tag({ consent: "consentMode", country: "DE" }));
    assertThat(calls[1]).isEqualTo(["init", { pixelId: "PIXEL" }]);
    listeners.ad_user_data("ad_user_data", true);
    assertThat(calls[3]).isEqualTo([
      "init",
      { pixelId: "PIXEL", user: { country: "DE" } },
    ]);
    listeners.ad_user_data("ad_user_data", false);
    assertThat(calls[4]).isEqualTo(["init", { pixelId: "PIXEL", user: null }]);
- name: "measures nothing where the page's own pixel does not wait and ad_storage is denied"
  code: |-
    page.oaiq = function () {};
    page["oaiq.loaded"] = true;
    granted.ad_storage = false;
    layer = { event: "sign_up" };
    runCode(tag({ consent: "consentMode" }));
    runCode(tag({ consent: "tcf" }));
    runCode(tag({ consent: "pending" }));
    assertThat(calls).isEqualTo([]);
    assertThat(logged.length).isEqualTo(3);
    assertApi("gtmOnSuccess").wasNotCalled();
    page["oaiq.consentState"] = { state: "pending", source: "call" };
    runCode(tag({ consent: "consentMode" }));
    assertThat(calls.length).isEqualTo(2);
- name: "measures with the page's own pixel while ad_storage is granted"
  code: |-
    page.oaiq = function () {};
    page["oaiq.loaded"] = true;
    layer = { event: "sign_up" };
    runCode(tag({ consent: "consentMode" }));
    assertThat(calls.length).isEqualTo(3);
    granted.ad_storage = false;
    runCode(tag({ consent: "consentMode" }));
    assertThat(calls.length).isEqualTo(3);
    assertThat(logged.length).isEqualTo(1);
- name: measures nothing where tags of a page disagree about consent
  code: |-
    layer = { event: "sign_up" };
    runCode(tag({ consent: "page" }));
    runCode(tag({ consent: "consentMode" }));
    assertThat(calls.length).isEqualTo(2);
    assertThat(logged.length).isEqualTo(1);
    assertApi("gtmOnFailure").wasCalled();
- name: names consent managers to the pixel
  code: |-
    layer = { event: "sign_up" };
    runCode(tag({ consent: "gpp gpc" }));
    assertThat(page["oaiq.config.consentSource"]).isEqualTo("gpp gpc");
    assertApi("isConsentGranted").wasNotCalled();
- name: "lets the pixel wait for the page's call"
  code: |-
    layer = { event: "sign_up" };
    runCode(tag({ consent: "pending" }));
    assertThat(page["oaiq.config.consent"]).isEqualTo("pending");
    assertThat(calls.length).isEqualTo(2);
- name: leaves consent to the page where the tag says so
  code: |-
    granted.ad_storage = false;
    layer = { event: "sign_up" };
    runCode(tag({ consent: "page", country: "DE" }));
    assertThat(page["oaiq.config"]).isUndefined();
    assertThat(calls.length).isEqualTo(2);
    assertThat(calls[0][1].user).isEqualTo({ country: "DE" });
- name: keeps the config that the page has left in oaiq
  code: |-
    page.oaiq = { config: { endpoint: "/v1/sdk/events" } };
    layer = { event: "sign_up" };
    runCode(tag());
    assertThat(page.oaiq).isEqualTo({ config: { endpoint: "/v1/sdk/events" } });
    assertThat(page.queue).isEqualTo("oaiq.q");
    assertThat(calls.length).isEqualTo(2);
- name: adds to an array that the page has left in oaiq
  code: |-
    page.oaiq = [];
    layer = { event: "sign_up" };
    runCode(tag());
    assertThat(page.queue).isEqualTo("oaiq");
    assertThat(calls.length).isEqualTo(2);
- name: uses a pixel that has loaded already
  code: |-
    page.oaiq = function () {};
    page["oaiq.loaded"] = true;
    mayLoad = false;
    layer = { event: "sign_up" };
    runCode(tag());
    assertThat(scripts).isEqualTo([]);
    assertThat(calls.length).isEqualTo(2);
    assertApi("gtmOnSuccess").wasCalled();
- name: needs no URL where the page has the install snippet
  code: |-
    layer = { event: "sign_up" };
    runCode(tag({ scriptUrl: "" }));
    assertThat(calls).isEqualTo([]);
    assertThat(logged.length).isEqualTo(1);
    page.oaiq = function () {};
    runCode(tag({ scriptUrl: "" }));
    assertThat(calls.length).isEqualTo(2);
    assertThat(scripts).isEqualTo([]);
- name: "says which URL the template's permissions lack"
  code: |-
    mayLoad = false;
    layer = { event: "sign_up" };
    runCode(tag());
    assertThat(calls).isEqualTo([]);
    assertThat(scripts).isEqualTo([]);
    assertThat(logged[0]).contains("https://www.example.com/oaiq.min.js");
    assertApi("gtmOnFailure").wasCalled();
- name: reports a script that could not be loaded
  code: |-
    loads = false;
    layer = { event: "sign_up" };
    runCode(tag());
    assertThat(logged[0]).contains("could not be loaded");
    assertApi("gtmOnFailure").wasCalled();
    assertApi("gtmOnSuccess").wasNotCalled();
- name: reports an empty pixel ID
  code: |-
    layer = { event: "sign_up" };
    runCode(tag({ pixelId: undefined }));
    assertThat(calls).isEqualTo([]);
    assertThat(logged.length).isEqualTo(1);
    assertApi("gtmOnFailure").wasCalled();
- name: passes debug on, also from the variable Debug Mode
  code: |-
    layer = { event: "sign_up" };
    runCode(tag({ debug: true }));
    assertThat(calls[0]).isEqualTo(["init", { pixelId: "PIXEL", debug: true }]);
    runCode(tag({ debug: "true", pixelId: "OTHER" }));
    assertThat(calls[2]).isEqualTo(["init", { pixelId: "OTHER", debug: true }]);
    runCode(tag({ debug: false, pixelId: "THIRD" }));
    assertThat(calls[4]).isEqualTo(["init", { pixelId: "THIRD" }]);
setup: |-
  // The page: its globals by path, its data layer, and its consent. What the tag does to it is in `calls`, `scripts` and `logged`.
  var page = {};
  var layer = {};
  var granted = {};
  var listeners = {};
  var calls = [];
  var scripts = [];
  var logged = [];
  var mayLoad = true;
  var loads = true;
  var kept = {};

  // A purchase as GA4 has it.
  var PURCHASE = {
    transaction_id: "T-1",
    value: 59.97,
    currency: "EUR",
    items: [{ item_id: "mug", item_name: "Mug", price: 19.99, quantity: 3 }],
  };

  // The fields of a tag, with these changes.
  var tag = function (fields) {
    var all = {
      scriptUrl: "https://www.example.com/oaiq.min.js",
      pixelId: "PIXEL",
      eventSource: "layer",
      consent: "page",
      debug: "false",
    };
    require("Object")
      .keys(fields || {})
      .forEach(function (name) {
        all[name] = fields[name];
      });
    return all;
  };

  // The last event that was measured.
  var measured = function () {
    var last = calls[calls.length - 1];
    return last && last[0] === "measureSingle"
      ? { name: last[2], data: last[3], options: last[4] }
      : undefined;
  };

  // The amount in minor units that a value has in a currency.
  var amountOf = function (value, currency) {
    layer = {
      event: "generate_lead",
      value: value,
      currency: currency,
    };
    runCode(tag());
    return measured().data.amount;
  };

  mock("copyFromWindow", function (path) {
    return page[path];
  });
  mock("setInWindow", function (path, value, override) {
    var isFree = page[path] === undefined || override;
    if (isFree) page[path] = value;
    return isFree;
  });
  mock("createArgumentsQueue", function (path) {
    page[path] = function () {};
    return page[path];
  });
  mock("createQueue", function (path) {
    return function (args) {
      calls.push(args);
      page.queue = path;
    };
  });
  mock("callInWindow", function (path, command, first, second, third, fourth) {
    var args = [command, first];
    if (command === "measureSingle")
      args = [command, first, second, third, fourth];
    calls.push(args);
  });
  mock("copyFromDataLayer", function (key) {
    return layer[key];
  });
  mock("isConsentGranted", function (type) {
    return granted[type] !== false;
  });
  mock("addConsentListener", function (type, listener) {
    listeners[type] = listener;
  });
  mock("queryPermission", function () {
    return mayLoad;
  });
  mock("injectScript", function (url, onSuccess, onFailure) {
    scripts.push(url);
    if (loads) onSuccess();
    else onFailure();
  });
  mock("logToConsole", function (text) {
    logged.push(text);
  });
  mockObject("templateStorage", {
    getItem: function (key) {
      return kept[key];
    },
    setItem: function (key, value) {
      kept[key] = value;
    },
  });


___NOTES___

The source of this template is gtm/template.tpl of the project oaiq. docs/gtm.md there explains its fields and permissions.
