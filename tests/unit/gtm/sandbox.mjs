// Stands in for the sandbox that Google Tag Manager runs templates in: its APIs, which enforce the permissions of the template, and
// the values that cross its border. It follows Google's documentation
// (https://developers.google.com/tag-platform/tag-manager/templates/api). It imports nothing, so that a page can load it too.

/**
 * @typedef {object} Value a value of a template's export format
 * @property {number} type
 * @property {string} [string]
 * @property {boolean} [boolean]
 * @property {Value[]} [listItem]
 * @property {Value[]} [mapKey]
 * @property {Value[]} [mapValue]
 *
 * @typedef {{ instance: { key: { publicId: string }, param: { key: string, value: Value }[] } }} Permission
 *
 * @typedef {(...args: any[]) => any} Fn
 *
 * @typedef {object} Options
 * @property {Permission[]} permissions
 * @property {Record<string, any>} page the page's global object
 * @property {DataLayer} [layer]
 * @property {Consent} [consent]
 * @property {(url: string, onSuccess: () => void, onFailure: () => void) => void} [load] loads a script
 * @property {(...texts: string[]) => void} [log] the page's console
 * @property {boolean} [isPreview] whether Tag Manager is in preview mode
 */

/**
 * A value of the export format as a plain value.
 *
 * @param {Value | undefined} value
 * @returns {any}
 */
const plain = (value) => {
  if (!value) return undefined;
  if (value.listItem) return value.listItem.map(plain);
  if (value.mapKey)
    return Object.fromEntries(
      value.mapKey.map((key, i) => [plain(key), plain(value.mapValue?.[i])]),
    );
  return value.string ?? value.boolean;
};

/** @param {unknown} value */
const isPlainObject = (value) =>
  Object.prototype.toString.call(value) === "[object Object]" &&
  [null, "Object"].includes(
    Object.getPrototypeOf(value)?.constructor.name ?? null,
  );

/**
 * Copies a value across the border of the sandbox. It knows undefined, null, booleans, numbers, strings, arrays, plain objects and
 * functions; anything else becomes undefined.
 *
 * @param {any} value
 * @returns {any}
 */
const cross = (value) => {
  if (value === null) return null;
  if (["boolean", "number", "string"].includes(typeof value)) return value;
  if (typeof value === "function")
    return (/** @type {unknown[]} */ ...args) =>
      cross(value(...args.map(cross)));
  if (Array.isArray(value)) return value.map(cross);
  if (isPlainObject(value))
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [key, cross(member)]),
    );
  return undefined;
};

/** The data layer as Tag Manager's version 1 reads it: the value of a key is the one that was pushed last. */
export class DataLayer {
  /** @type {Map<string, unknown>} */
  #values = new Map();

  /**
   * Takes an object, or the arguments of a call of `gtag`.
   *
   * @param {Record<string, any>} entry
   */
  push(entry) {
    const [command, event, eventModel = {}] = Array.from(
      /** @type {ArrayLike<any>} */ (/** @type {unknown} */ (entry)),
    );
    // other commands, such as "consent", are no data
    if (command !== undefined && command !== "event") return;
    const values = command ? { event, eventModel } : entry;
    for (const [key, value] of Object.entries(values))
      this.#values.set(key, value);
  }

  /** @param {string} key */
  get(key) {
    return this.#values.get(key);
  }
}

/** Consent as Tag Manager has it: a type that was never set counts as granted. */
export class Consent {
  /** @type {Map<string, boolean>} */
  #states = new Map();
  /** @type {Map<string, Fn[]>} */
  #listeners = new Map();

  /** @param {string} type */
  isGranted(type) {
    return this.#states.get(type) ?? true;
  }

  /**
   * @param {string} type
   * @param {Fn} listener
   */
  listen(type, listener) {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
  }

  /**
   * Sets types, and notifies the listeners of those that change.
   *
   * @param {Record<string, boolean>} states
   */
  update(states) {
    for (const [type, isGranted] of Object.entries(states)) {
      const hasChanged = this.isGranted(type) !== isGranted;
      this.#states.set(type, isGranted);
      if (hasChanged)
        this.#listeners.get(type)?.forEach((it) => it(type, isGranted));
    }
  }
}

/**
 * All that a template may do, in the words of `usedPermissions`, sorted.
 *
 * @param {Permission[]} permissions
 */
export const declaredPermissions = (permissions) =>
  permissions
    .flatMap(({ instance: { key, param } }) => {
      const id = key.publicId;
      const params = Object.fromEntries(
        param.map(({ key, value }) => [key, plain(value)]),
      );
      /** @type {Record<string, any>[]} */
      const entries = params.keys ?? params.consentTypes ?? [];
      if (entries.length)
        return entries.flatMap(({ key, consentType, ...modes }) =>
          Object.entries(modes)
            .filter(([, isAllowed]) => isAllowed)
            .map(([mode]) =>
              key ? `${id} ${mode} ${key}` : `${id} ${consentType} ${mode}`,
            ),
        );
      const details = params.keyPatterns ??
        params.urls ?? [params.environments];
      return details.map((/** @type {string | undefined} */ detail) =>
        [id, detail].filter(Boolean).join(" "),
      );
    })
    .sort();

/** The permissions of a template. */
class Permissions {
  /**
   * The permissions that an API has needed, as `publicId detail`.
   *
   * @type {Set<string>}
   */
  used = new Set();
  #params;

  /** @param {Permission[]} permissions */
  constructor(permissions) {
    /** @type {Map<string, Record<string, any>>} */
    this.#params = new Map(
      permissions.map(({ instance: { key, param } }) => [
        key.publicId,
        Object.fromEntries(param.map(({ key, value }) => [key, plain(value)])),
      ]),
    );
  }

  /**
   * Whether the template has a permission, by the arguments of `queryPermission`.
   *
   * @param {string} id
   * @param {string[]} details
   */
  has(id, ...details) {
    const params = this.#params.get(id);
    if (!params) return false;
    const [first = "", second = ""] = details;
    switch (id) {
      case "access_globals": {
        const entry = params.keys.find(
          (/** @type {any} */ it) => it.key === second,
        );
        const modes = first === "readwrite" ? ["read", "write"] : [first];
        return modes.every((mode) => entry?.[mode] === true);
      }
      case "access_consent": {
        const entry = params.consentTypes.find(
          (/** @type {any} */ it) => it.consentType === first,
        );
        return entry?.[second] === true;
      }
      case "read_data_layer":
        return params.keyPatterns.includes(first);
      case "inject_script":
        return first.startsWith("https://") && params.urls.includes(first);
      case "logging":
        return params.environments === "all" || first === "debug";
      case "access_template_storage":
        return true;
      default:
        throw new Error(`the stand-in has no permission ${id}`);
    }
  }

  /**
   * Throws if the template does not have a permission.
   *
   * @param {string} id
   * @param {string[]} details
   */
  require(id, ...details) {
    if (!this.has(id, ...details))
      throw new Error(`permission denied: ${[id, ...details].join(" ")}`);
    const [first, ...rest] = details;
    const modes = first === "readwrite" ? ["read", "write"] : [first];
    for (const mode of modes)
      this.used.add([id, mode, ...rest].filter(Boolean).join(" "));
  }
}

/** A template on a page. Its tags share the template's storage. */
export class Sandbox {
  #code = "";
  /** @type {Function | undefined} */
  #run;
  #permissions;
  #page;
  /** @type {Record<string, any>} */
  #apis;

  /** @param {Options} options */
  constructor({
    permissions,
    page,
    layer = new DataLayer(),
    consent = new Consent(),
    load = (_url, onSuccess) => onSuccess(),
    log = () => {},
    isPreview = true,
  }) {
    this.#permissions = new Permissions(permissions);
    this.#page = page;
    const allow = this.#permissions.require.bind(this.#permissions);
    /** @type {Map<string, unknown>} */
    const storage = new Map();
    /** @type {Map<string, Promise<boolean>>} */
    const scripts = new Map();

    this.#apis = {
      addConsentListener: (
        /** @type {string} */ type,
        /** @type {Fn} */ listener,
      ) => {
        allow("access_consent", type, "read");
        consent.listen(type, listener);
      },
      callInWindow: (
        /** @type {string} */ path,
        /** @type {any[]} */ ...args
      ) => {
        allow("access_globals", "execute", path);
        const { parent, key } = this.#find(path);
        if (typeof parent?.[key] === "function")
          return cross(parent[key](...args.map(cross)));
      },
      copyFromDataLayer: (/** @type {string} */ key, version = 2) => {
        allow("read_data_layer", key);
        if (version !== 1) throw new Error("the stand-in has version 1 only");
        return cross(layer.get(key));
      },
      copyFromWindow: (/** @type {string} */ path) => {
        allow("access_globals", "read", path);
        const { parent, key } = this.#find(path);
        return cross(parent?.[key]);
      },
      createArgumentsQueue: (
        /** @type {string} */ functionPath,
        /** @type {string} */ arrayPath,
      ) => {
        allow("access_globals", "readwrite", functionPath);
        allow("access_globals", "readwrite", arrayPath);
        const { parent, key } = this.#existing(functionPath);
        if (parent[key] && typeof parent[key] !== "function") return null;
        if (!parent[key]) {
          parent[key] = function () {
            array.push(arguments);
          };
          const array = this.#array(arrayPath);
        }
        return cross(parent[key]);
      },
      createQueue: (/** @type {string} */ path) => {
        allow("access_globals", "readwrite", path);
        const array = this.#array(path);
        return (/** @type {any[]} */ ...values) => {
          array.push(...values.map(cross));
        };
      },
      getType: (/** @type {unknown} */ value) => {
        if (value === null) return "null";
        return Array.isArray(value) ? "array" : typeof value;
      },
      injectScript: (
        /** @type {string} */ url,
        /** @type {() => void} */ onSuccess,
        /** @type {() => void} */ onFailure,
        /** @type {string} */ cacheToken,
      ) => {
        allow("inject_script", url);
        const request = () =>
          new Promise((resolve) => {
            load(
              url,
              () => resolve(true),
              () => resolve(false),
            );
          });
        const loaded = scripts.get(cacheToken) ?? request();
        if (cacheToken) scripts.set(cacheToken, loaded);
        loaded.then((isLoaded) => (isLoaded ? onSuccess() : onFailure()));
      },
      isConsentGranted: (/** @type {string} */ type) => {
        allow("access_consent", type, "read");
        return consent.isGranted(type);
      },
      JSON: { parse: JSON.parse, stringify: JSON.stringify },
      logToConsole: (/** @type {string[]} */ ...texts) => {
        // outside of preview mode, a template that may log in "debug" logs nothing
        if (!isPreview && !this.#permissions.has("logging", "all")) return;
        allow("logging", "debug");
        log(...texts);
      },
      makeInteger: (/** @type {unknown} */ value) =>
        Math.trunc(Number(value)) || 0,
      makeString: String,
      Math: {
        abs: Math.abs,
        ceil: Math.ceil,
        floor: Math.floor,
        max: Math.max,
        min: Math.min,
        pow: Math.pow,
        round: Math.round,
        sqrt: Math.sqrt,
      },
      Object: { keys: Object.keys },
      queryPermission: (
        /** @type {string} */ id,
        /** @type {string[]} */ ...details
      ) => this.#permissions.has(id, ...details),
      setInWindow: (
        /** @type {string} */ path,
        /** @type {unknown} */ value,
        isOverride = false,
      ) => {
        allow("access_globals", "readwrite", path);
        const { parent, key } = this.#find(path);
        if (!parent || (parent[key] !== undefined && !isOverride)) return false;
        parent[key] = cross(value);
        return true;
      },
      templateStorage: {
        getItem: (/** @type {string} */ key) => {
          allow("access_template_storage");
          return storage.get(key);
        },
        setItem: (/** @type {string} */ key, /** @type {unknown} */ value) => {
          allow("access_template_storage");
          storage.set(key, value);
        },
      },
    };
  }

  /** The permissions that the template has needed so far. */
  get usedPermissions() {
    return [...this.#permissions.used].sort();
  }

  /**
   * The object that has the last key of a path, if the path leads to one.
   *
   * @param {string} path
   * @returns {{ parent: Record<string, any> | undefined, key: string }}
   */
  #find(path) {
    const keys = path.split(".");
    const key = /** @type {string} */ (keys.pop());
    /** @type {any} */
    let parent = this.#page;
    for (const name of keys) parent = parent?.[name];
    const isObject = typeof parent === "object" || typeof parent === "function";
    return { parent: isObject ? (parent ?? undefined) : undefined, key };
  }

  /** @param {string} path */
  #existing(path) {
    const { parent, key } = this.#find(path);
    if (!parent) throw new Error(`path ${path} does not exist`);
    return { parent, key };
  }

  /** @param {string} path */
  #array(path) {
    const { parent, key } = this.#existing(path);
    parent[key] ??= [];
    if (!Array.isArray(parent[key])) throw new Error(`${path} is no array`);
    return parent[key];
  }

  /**
   * The function `require` of the sandbox, in which these APIs stand in for others.
   *
   * @param {Map<string, any>} [mocks]
   */
  requirer(mocks) {
    return (/** @type {string} */ name) => {
      const api = mocks?.get(name) ?? this.#apis[name];
      if (api === undefined) throw new Error(`there is no API ${name}`);
      return api;
    };
  }

  /**
   * Fires a tag. Resolves with what it reports to Tag Manager.
   *
   * @param {string} code of the template
   * @param {Record<string, unknown>} fields of the tag
   * @returns {Promise<"success" | "failure">}
   */
  fire(code, fields) {
    if (code !== this.#code) {
      this.#code = code;
      this.#run = new Function("require", "data", code);
    }
    return new Promise((resolve) => {
      this.#run?.(this.requirer(), {
        ...fields,
        gtmOnSuccess: () => resolve("success"),
        gtmOnFailure: () => resolve("failure"),
      });
    });
  }
}
