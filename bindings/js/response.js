'use strict';
// Response as the Fetch standard has it. Its body stays a string or bytes until somebody asks for
// the stream, its headers stay a list until somebody asks for the object.

const { Headers, FieldList, fill, byteString, wrapList, asInterface, NONE, IMMUTABLE } = use.headers;
const { extract, streamOf, readAll, convert, unusable, isDisturbed, describe } = use.body;
const inspectCustom = Symbol.for('nodejs.util.inspect.custom');

const REASON = /^[\t\x20-\x7e\x80-\xff]*$/;
const EMPTY = Object.freeze({ __proto__: null });

// WebIDL's dictionary: nothing, or an object.
function dictionary(init, what) {
  if (init === undefined || init === null) return EMPTY;
  if (typeof init !== 'object' && typeof init !== 'function') {
    throw new TypeError(`${what} takes an object of options, not ${describe(init)}`);
  }
  return init;
}

// WebIDL's `unsigned short`: modulo 65536.
function unsignedShort(value, otherwise) {
  if (value === undefined) return otherwise;
  if (typeof value === 'number' && (value & 0xffff) === value) return value;
  const number = Math.trunc(Number(value));
  return Number.isFinite(number) ? ((number % 65536) + 65536) % 65536 : 0;
}

function hasNoBody(status) {
  return status === 204 || status === 205 || status === 304 || status === 101 || status === 103;
}

// The text of the one header that most answers have: the same string each time, which C++ notices.
const typeTexts = new Map();
function typeText(mime) {
  let text = typeTexts.get(mime);
  if (text === undefined) {
    text = `content-type\n${mime}\n`;
    if (typeTexts.size < 100) typeTexts.set(mime, text);
  }
  return text;
}

let isResponse, parts, markSent;

class Response {
  #status = 200;
  #statusText = '';
  #type = 'default';
  #list;            // FieldList, once there is more than the default type
  #mime = null;     // the Content-Type that the body implies, as long as there is no list
  #headers;         // the Headers object over it, once asked for
  #guard = NONE;
  #source = null;   // string, Uint8Array or Blob: the body while it is no stream
  #stream = null;   // the body as a stream, once it is one
  #used = false;    // read, or sent

  constructor(body = null, init = undefined) {
    if (body === null && init === undefined) return;
    let type = null;
    if (body !== null && body !== undefined) {
      if (typeof body === 'string') {
        this.#source = body;
        type = 'text/plain;charset=UTF-8';
      } else {
        const made = extract(body);
        this.#source = made.source;
        this.#stream = made.stream;
        type = made.type;
      }
    }
    if (init !== undefined) {
      this.#initialise(dictionary(init, 'new Response()'), body !== null && body !== undefined);
    }
    if (type === null) return;
    if (this.#list === undefined) this.#mime = type;
    else this.#defaultType(type);
  }

  #initialise(init, hasBody) {
    // In the order of WebIDL: headers, status, statusText are converted, then checked.
    const { headers, status, statusText } = init;
    let list;
    if (headers !== undefined) {
      list = new FieldList();
      fill(list, headers);
    }
    const code = unsignedShort(status, 200);
    const text = statusText === undefined ? '' : byteString(statusText, 'status text');
    if (code < 200 || code > 599) {
      throw new RangeError(`The status of a Response is 200 to 599, not ${code}`);
    }
    if (!REASON.test(text)) {
      throw new TypeError(`Invalid status text ${JSON.stringify(text)}: no control characters`);
    }
    if (hasBody && hasNoBody(code)) {
      throw new TypeError(`A Response of status ${code} cannot have a body: pass null`);
    }
    this.#status = code;
    this.#statusText = text;
    this.#list = list;
  }

  #defaultType(type) {
    if (!this.#list.has('content-type')) this.#list.append('content-type', type);
  }

  // The list, made when somebody looks.
  #fields() {
    if (this.#list === undefined) {
      this.#list = new FieldList();
      if (this.#mime !== null) this.#list.append('content-type', this.#mime);
    }
    return this.#list;
  }

  static error() {
    const response = new Response();
    response.#status = 0;
    response.#type = 'error';
    response.#guard = IMMUTABLE;
    return response;
  }

  static json(data, init = undefined) {
    if (arguments.length < 1) throw new TypeError('Response.json needs a value');
    const text = JSON.stringify(data);
    if (text === undefined) {
      throw new TypeError(`${describe(data)} has no JSON: undefined, functions and symbols do not`);
    }
    const response = new Response();
    if (init !== undefined) response.#initialise(dictionary(init, 'Response.json()'), true);
    response.#source = text;
    if (response.#list === undefined) response.#mime = 'application/json';
    else response.#defaultType('application/json');
    return response;
  }

  static redirect(url, status = 302) {
    if (arguments.length < 1) throw new TypeError('Response.redirect needs a URL');
    const target = `${url}`;
    const code = unsignedShort(status, 302);
    let parsed;
    try {
      parsed = new URL(target);
    } catch (cause) {
      throw new TypeError(`Response.redirect needs an absolute URL, and ${JSON.stringify(target)} ` +
        'is none: use new URL(path, request.url)', { cause });
    }
    if (code !== 301 && code !== 302 && code !== 303 && code !== 307 && code !== 308) {
      throw new RangeError(`Response.redirect takes 301, 302, 303, 307 or 308, not ${code}`);
    }
    const response = new Response();
    response.#status = code;
    response.#guard = IMMUTABLE;
    response.#list = new FieldList();
    response.#list.append('location', parsed.href);
    return response;
  }

  get type() {
    return this.#type;
  }
  get url() {
    this.#type;
    return '';
  }
  get redirected() {
    this.#type;
    return false;
  }
  get status() {
    return this.#status;
  }
  get ok() {
    return this.#status >= 200 && this.#status <= 299;
  }
  get statusText() {
    return this.#statusText;
  }
  get headers() {
    return this.#headers ??= wrapList(this.#fields(), this.#guard);
  }

  get body() {
    if (this.#stream === null && this.#source !== null) {
      // A body that was read without a stream shows a stream that was read.
      this.#stream = streamOf(this.#source);
      this.#source = null;
      if (this.#used) this.#stream.cancel();
    }
    return this.#stream;
  }
  get bodyUsed() {
    return this.#used || (this.#stream !== null && isDisturbed(this.#stream));
  }

  clone() {
    if (this.#unusable()) throw unusable();
    const copy = new Response();
    copy.#status = this.#status;
    copy.#statusText = this.#statusText;
    copy.#type = this.#type;
    copy.#guard = this.#guard;
    copy.#list = this.#list?.copy();
    copy.#mime = this.#mime;
    if (this.#stream !== null) {
      [this.#stream, copy.#stream] = this.#stream.tee();
    } else {
      copy.#source = this.#source;
    }
    return copy;
  }

  #unusable() {
    return this.#used ||
      (this.#stream !== null && (this.#stream.locked || isDisturbed(this.#stream)));
  }

  async #consume(how) {
    if (this.#unusable()) throw unusable();
    let data = '';
    if (this.#stream !== null) {
      data = await readAll(this.#stream);
    } else if (this.#source !== null) {
      this.#used = true;
      data = this.#source;
      if (data instanceof Blob) data = new Uint8Array(await data.arrayBuffer());
      else if (typeof data !== 'string') data = data.slice();
    }
    return how(data, this.#list === undefined ? this.#mime : this.#list.get('content-type'));
  }

  async text() {
    return this.#consume(convert.text);
  }
  async json() {
    return this.#consume(convert.json);
  }
  async bytes() {
    return this.#consume(convert.bytes);
  }
  async arrayBuffer() {
    return this.#consume(convert.arrayBuffer);
  }
  async blob() {
    return this.#consume(convert.blob);
  }
  async formData() {
    return this.#consume(convert.formData);
  }

  [inspectCustom](depth, options, inspect) {
    return `Response ${inspect({
      status: this.status, statusText: this.statusText, headers: this.headers,
      body: this.#stream ?? this.#source, bodyUsed: this.bodyUsed, ok: this.ok,
      redirected: false, type: this.type, url: '',
    }, options)}`;
  }

  static {
    isResponse = (value) => #status in value;
    // What answer.js sends; no object is made for it.
    parts = (response, out) => {
      out.status = response.#status;
      out.headers = response.#list !== undefined ? response.#list.text()
        : response.#mime !== null ? typeText(response.#mime) : '';
      out.source = response.#source;
      out.stream = response.#stream;
      out.unusable = response.#unusable();
    };
    // A stream can be sent once. What is in memory may be sent again: handlers keep answers.
    markSent = (response) => {
      if (response.#stream !== null) response.#used = true;
    };
  }
}
asInterface(Response, 'Response');

Object.assign(exports, { Response, isResponse, parts, markSent });
