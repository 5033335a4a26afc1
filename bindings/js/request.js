'use strict';
// Request. Those that the host hands to a handler hold the number of their exchange and ask for
// what is read; those that user code makes (for fetch) are undici's, kept inside.

const { Frame, watch } = use.frame;
const { wrapExchange, asInterface, over, isHeaders } = use.headers;
const { readAll, convert, unusable, isDisturbed } = use.body;
const { full } = use.full;
const inspectCustom = Symbol.for('nodejs.util.inspect.custom');

// What host.text() gives, and host.wantBody() takes and answers: as in exchange_object.cc.
const METHOD = 0, URL_TEXT = 1, QUERY = 2;
const SOME = 1, WHOLE = 2;
const MET = 1, GONE = -1;
const DEADLINE = 'the deadline has passed';  // of why_aborted() in exchange_object.cc

function read(frame, what, name) {
  const text = host.text(frame.id, what);
  if (text === undefined) throw over(name);
  return text;
}

// Why a body cannot be read to its end.
function cut(frame) {
  const error = new TypeError(host.bodyTooLong(frame.id)
    ? 'The request\'s body is longer than the handler\'s body_limit'
    : 'The request\'s body was cut off: the client is gone or the request is over');
  error.code = 'ERR_BODY_CUT';
  return error;
}

/** The whole body as `take` gives it (host.takeText or host.takeBytes), now or as a promise. */
function wholeBody(frame, take) {
  const answer = host.wantBody(frame.id, WHOLE);
  if (answer === MET) return taken(frame, take);
  if (answer === GONE) throw over('body');
  return new Promise((resolve, reject) => {
    if (!watch(frame)) {
      reject(over('body'));
      return;
    }
    frame.onBody = () => {
      frame.onBody = undefined;
      try {
        resolve(taken(frame, take));
      } catch (error) {
        reject(error);
      }
    };
  });
}

function taken(frame, take) {
  const data = take(frame.id);
  if (data === undefined) throw cut(frame);
  return data;
}

function bodyStream(frame) {
  return new ReadableStream({
    type: 'bytes',
    async pull(controller) {
      for (;;) {
        const answer = host.wantBody(frame.id, SOME);
        if (answer === GONE) throw cut(frame);
        if (answer === MET) break;
        await new Promise((resolve, reject) => {
          if (!watch(frame)) {
            reject(cut(frame));
            return;
          }
          frame.onBody = () => {
            frame.onBody = undefined;
            resolve();
          };
        });
      }
      const bytes = host.takeBytes(frame.id);
      if (bytes === undefined) throw cut(frame);
      if (bytes.byteLength > 0) controller.enqueue(bytes);
      if (host.bodyEnded(frame.id)) {
        controller.close();
        controller.byobRequest?.respond(0);
      }
    },
    cancel() {
      host.discardBody(frame.id);
    },
  }, { highWaterMark: 0 });
}

let isRequest, isLight, toFull, keepHead;

class Request {
  #frame;    // of the host's exchange; undefined for those that user code made
  #full;     // undici's Request, for those
  #method;
  #url;
  #headers;
  #params;
  #query;
  #stream;   // undefined: not asked for; null: there is no body
  #used = false;
  #controller;

  constructor(input, init = undefined) {
    if (input instanceof Frame) {
      this.#frame = input;
      return;
    }
    if (arguments.length < 1) throw new TypeError('new Request() needs a URL or a Request');
    const { Request: FullRequest } = full();
    const replaced = init !== null && typeof init === 'object' && init.body !== undefined &&
      init.body !== null;
    this.#full = new FullRequest(toFull(input, !replaced), init);
  }

  get method() {
    if (this.#full !== undefined) return this.#full.method;
    return this.#method ??= read(this.#frame, METHOD, 'method');
  }
  get url() {
    if (this.#full !== undefined) return this.#full.url;
    return this.#url ??= read(this.#frame, URL_TEXT, 'url');
  }
  get headers() {
    if (this.#full !== undefined) return this.#full.headers;
    return this.#headers ??= wrapExchange(this.#frame);
  }
  get destination() {
    return this.#full === undefined ? this.#constant('') : this.#full.destination;
  }
  get referrer() {
    return this.#full === undefined ? this.#constant('about:client') : this.#full.referrer;
  }
  get referrerPolicy() {
    return this.#full === undefined ? this.#constant('') : this.#full.referrerPolicy;
  }
  get mode() {
    return this.#full === undefined ? this.#constant('cors') : this.#full.mode;
  }
  get credentials() {
    return this.#full === undefined ? this.#constant('same-origin') : this.#full.credentials;
  }
  get cache() {
    return this.#full === undefined ? this.#constant('default') : this.#full.cache;
  }
  get redirect() {
    return this.#full === undefined ? this.#constant('follow') : this.#full.redirect;
  }
  get integrity() {
    return this.#full === undefined ? this.#constant('') : this.#full.integrity;
  }
  get keepalive() {
    return this.#full === undefined ? this.#constant(false) : this.#full.keepalive;
  }
  get isReloadNavigation() {
    return this.#full === undefined ? this.#constant(false) : this.#full.isReloadNavigation;
  }
  get isHistoryNavigation() {
    return this.#full === undefined ? this.#constant(false) : this.#full.isHistoryNavigation;
  }
  get duplex() {
    return this.#full === undefined ? this.#constant('half') : this.#full.duplex;
  }

  // A server's request has one value for these; the read still checks the receiver.
  #constant(value) {
    return value;
  }

  get signal() {
    if (this.#full !== undefined) return this.#full.signal;
    if (this.#controller === undefined) {
      const controller = this.#controller = new AbortController();
      const frame = this.#frame;
      frame.onAbort = (why) => {
        controller.abort(new DOMException(`The request was aborted: ${why}`,
                                          why === DEADLINE ? 'TimeoutError' : 'AbortError'));
      };
      const why = watch(frame) ? host.aborted(frame.id) : 'it is over';
      if (why !== undefined) frame.onAbort(why);
    }
    return this.#controller.signal;
  }

  get body() {
    if (this.#full !== undefined) return this.#full.body;
    if (this.#stream === undefined) {
      const has = host.hasBody(this.#frame.id);
      if (has === undefined) throw over('body');
      this.#stream = has ? bodyStream(this.#frame) : null;
      if (this.#used && has) this.#stream.cancel();
    }
    return this.#stream;
  }
  get bodyUsed() {
    if (this.#full !== undefined) return this.#full.bodyUsed;
    return this.#used || (this.#stream != null && isDisturbed(this.#stream));
  }

  #unusable() {
    return this.#used || (this.#stream != null &&
      (this.#stream.locked || isDisturbed(this.#stream)));
  }

  // The body for text(), json(), ...: a string or bytes, now or as a promise.
  #take(take) {
    if (this.#unusable()) throw unusable();
    if (this.#stream != null) return readAll(this.#stream);
    const has = this.#stream === null ? false : host.hasBody(this.#frame.id);
    if (has === undefined) throw over('body');
    if (!has) return '';
    this.#used = true;
    return wholeBody(this.#frame, take);
  }

  async text() {
    if (this.#full !== undefined) return this.#full.text();
    const data = this.#take(host.takeText);
    if (typeof data === 'string') return data;
    const later = await data;
    return typeof later === 'string' ? later : convert.text(later);
  }
  async json() {
    if (this.#full !== undefined) return this.#full.json();
    const data = this.#take(host.takeText);
    if (typeof data === 'string') return JSON.parse(data);
    const later = await data;
    return JSON.parse(typeof later === 'string' ? later : convert.text(later));
  }
  async bytes() {
    if (this.#full !== undefined) return this.#full.bytes();
    return convert.bytes(await this.#take(host.takeBytes));
  }
  async arrayBuffer() {
    if (this.#full !== undefined) return this.#full.arrayBuffer();
    return convert.arrayBuffer(await this.#take(host.takeBytes));
  }
  async blob() {
    if (this.#full !== undefined) return this.#full.blob();
    const type = this.headers.get('content-type');
    return convert.blob(await this.#take(host.takeBytes), type);
  }
  async formData() {
    if (this.#full !== undefined) return this.#full.formData();
    const type = this.headers.get('content-type');
    return convert.formData(await this.#take(host.takeBytes), type);
  }

  clone() {
    if (this.#full !== undefined) return Request.#around(this.#full.clone());
    if (this.#unusable()) throw unusable();
    const copy = new Request(this.#frame);
    const stream = this.body;
    if (stream !== null) [this.#stream, copy.#stream] = stream.tee();
    else copy.#stream = null;
    copy.#method = this.#method;
    copy.#url = this.#url;
    copy.#headers = this.#headers;
    copy.#params = this.#params;
    copy.#controller = this.#controller;
    return copy;
  }

  static #around(fullRequest) {
    const request = new Request(NOWHERE);
    request.#frame = undefined;
    request.#full = fullRequest;
    return request;
  }

  // --- beyond the standard ---

  /** Parameters of the route: { name: value }. */
  get params() {
    if (this.#frame === undefined) return undefined;
    if (this.#params === undefined) {
      const flat = host.params(this.#frame.id);
      if (flat === undefined) throw over('params');
      const params = {};
      for (let i = 0; i < flat.length; i += 2) params[flat[i]] = flat[i + 1];
      this.#params = params;
    }
    return this.#params;
  }

  /** The query as URLSearchParams. */
  get query() {
    if (this.#frame === undefined) return undefined;
    return this.#query ??= new URLSearchParams(read(this.#frame, QUERY, 'query'));
  }

  /** What the host knows about this request. */
  get duet() {
    if (this.#frame === undefined) return undefined;
    const deadline = host.deadline(this.#frame.id);
    if (deadline === undefined) throw over('duet');
    const [variant, key] = host.assignment(this.#frame.id);
    return {
      variant, key, deadline: deadline > 0 ? deadline : null, params: this.params,
      upgradeWebSocket: (options) => use.websocket.upgrade(this.#frame, this.url, options),
    };
  }

  [inspectCustom](depth, options, inspect) {
    if (this.#full !== undefined) return inspect(this.#full, options);
    return `Request ${inspect({
      method: this.method, url: this.url, headers: this.headers, params: this.params,
      bodyUsed: this.bodyUsed,
    }, options)}`;
  }

  static {
    isRequest = (value) => #used in value;
    isLight = (value) => #used in value && value.#full === undefined;
    // Copies what would be gone after the answer.
    keepHead = (request) => {
      request.method;
      request.url;
      request.params;
      request.query;
      [...request.headers.keys()];
    };
    // Anything that undici's fetch or Request takes. `move`: the body goes along, and is used here.
    toFull = (value, move) => {
      if (value === null || typeof value !== 'object' || !(#used in value)) return value;
      if (value.#full !== undefined) return value.#full;
      const init = { method: value.method, headers: value.headers, signal: value.signal };
      if (move && value.#unusable()) throw unusable();
      if (move && value.body !== null) {
        init.body = value.body;
        init.duplex = 'half';
      }
      const made = new (full().Request)(value.url, init);
      if (move && value.body !== null) value.#used = true;
      return made;
    };
  }
}
const NOWHERE = new Frame(undefined, undefined);
asInterface(Request, 'Request');

Object.assign(exports, { Request, isRequest, isLight, toFull, keepHead, isHeaders });
