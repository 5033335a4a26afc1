'use strict';
// Headers as the Fetch standard has them, without what makes undici's slow.
//
// A FieldList is the data, Headers the object that users hold. A Response keeps only the list until
// somebody asks for `.headers`. The headers of a request stay in the host's memory: get() asks for
// one field, and the list is made when somebody iterates.

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const BAD_VALUE = /[\0\r\n]/;
const NOT_LATIN1 = /[^\x00-\xff]/;
const OUTER_SPACE = /^[\t\n\r ]+|[\t\n\r ]+$/g;

// Field names come from a small set: each is checked and lowered once.
const knownNames = new Map();
const KNOWN_NAMES_MAX = 1000;  // an attacker may choose names (set(req.query.x)): no growth beyond

function fieldName(name) {
  const known = knownNames.get(name);
  if (known !== undefined) return known;
  const text = byteString(name, 'header name');
  if (!TOKEN.test(text)) throw new TypeError(`Invalid header name: ${JSON.stringify(text)}`);
  const lower = text.toLowerCase();
  if (typeof name === 'string' && knownNames.size < KNOWN_NAMES_MAX) knownNames.set(name, lower);
  return lower;
}

function byteString(value, what) {
  const text = typeof value === 'string' ? value : toText(value);
  if (NOT_LATIN1.test(text)) {
    const at = text.search(NOT_LATIN1);
    throw new TypeError(`A ${what} holds Latin-1 only, and character ${at} of ` +
      `${JSON.stringify(text)} is ${text.codePointAt(at)}: encode it, for example with ` +
      'encodeURIComponent()');
  }
  return text;
}

function toText(value) {
  if (typeof value === 'symbol') throw new TypeError('A symbol cannot be converted to a string');
  return `${value}`;
}

// A value is converted before names are checked, and checked after: two steps.
function fieldValue(text, name) {
  const first = text.charCodeAt(0), last = text.charCodeAt(text.length - 1);
  if (first <= 32 || last <= 32) text = text.replace(OUTER_SPACE, '');
  if (BAD_VALUE.test(text)) {
    throw new TypeError(`Invalid value of header ${name}: it must not hold CR, LF or NUL, ` +
      `and it is ${JSON.stringify(text)}`);
  }
  return text;
}

class FieldList {
  names = [];   // lower case, in order of adding
  values = [];

  append(name, value) {
    this.names.push(name);
    this.values.push(value);
  }

  set(name, value) {
    const { names, values } = this;
    const at = names.indexOf(name);
    if (at < 0) {
      this.append(name, value);
      return;
    }
    values[at] = value;
    this.delete(name, at + 1);
  }

  delete(name, from = 0) {
    const { names, values } = this;
    for (let at = names.indexOf(name, from); at >= 0; at = names.indexOf(name, at)) {
      names.splice(at, 1);
      values.splice(at, 1);
    }
  }

  has(name) {
    return this.names.includes(name);
  }

  get(name) {
    const { names, values } = this;
    let at = names.indexOf(name);
    if (at < 0) return null;
    let value = values[at];
    const separator = name === 'cookie' ? '; ' : ', ';
    while ((at = names.indexOf(name, at + 1)) >= 0) value += separator + values[at];
    return value;
  }

  all(name) {
    return this.values.filter((_, i) => this.names[i] === name);
  }

  // Sorted and combined, as iteration shows it; each Set-Cookie stays by itself.
  entries() {
    const result = [];
    const seen = new Set();
    for (const name of [...this.names].sort()) {
      if (seen.has(name)) continue;
      seen.add(name);
      if (name === 'set-cookie') {
        for (const value of this.all(name)) result.push([name, value]);
      } else {
        result.push([name, this.get(name)]);
      }
    }
    return result;
  }

  // What C++ takes: "name\nvalue\n" for each field. Neither can hold a newline.
  text() {
    const { names, values } = this;
    let text = '';
    for (let i = 0; i < names.length; i++) text += names[i] + '\n' + values[i] + '\n';
    return text;
  }

  copy() {
    const list = new FieldList();
    list.names = this.names.slice();
    list.values = this.values.slice();
    return list;
  }
}

// Adds what a HeadersInit holds: another Headers, a sequence of pairs, or a record.
function fill(list, init) {
  if (init === null || (typeof init !== 'object' && typeof init !== 'function')) {
    throw new TypeError('Headers are made from an object, an array of pairs, or Headers, not from ' +
      (init === null ? 'null' : `a ${typeof init}`));
  }
  const iterate = init[Symbol.iterator];
  if (iterate === undefined || iterate === null) {
    fillFromRecord(list, init);
    return;
  }
  if (typeof iterate !== 'function') throw new TypeError('Symbol.iterator of headers is no function');
  if (iterate === entriesOfHeaders && isHeaders(init)) {
    const from = listOf(init);
    // A copy, field by field: a repeated field stays repeated.
    for (let i = 0; i < from.names.length; i++) list.append(from.names[i], from.values[i]);
    return;
  }
  const pairs = [];
  for (const item of init) {
    if (item === null || (typeof item !== 'object' && typeof item !== 'function')) {
      throw new TypeError('Headers made from a sequence need pairs of name and value');
    }
    const pair = [];
    for (const part of item) pair.push(byteString(part, 'header'));
    pairs.push(pair);
  }
  for (const pair of pairs) {
    if (pair.length !== 2) {
      throw new TypeError(`Headers made from a sequence need pairs; one has ${pair.length} items`);
    }
    const name = fieldName(pair[0]);
    list.append(name, fieldValue(pair[1], name));
  }
}

function fillFromRecord(list, init) {
  const { names, values } = list;
  const start = names.length;
  // Converts everything before it checks anything, as WebIDL does.
  let keys;
  if (Object.getPrototypeOf(init) === Object.prototype) {
    keys = Object.keys(init);
    for (let i = 0; i < keys.length; i++) values.push(byteString(init[keys[i]], 'header value'));
  } else {
    keys = [];
    for (const key of Reflect.ownKeys(init)) {
      if (!Reflect.getOwnPropertyDescriptor(init, key)?.enumerable) continue;
      keys.push(byteString(key, 'header name'));
      values.push(byteString(init[key], 'header value'));
    }
  }
  for (let i = 0; i < keys.length; i++) {
    const name = fieldName(keys[i]);
    names.push(name);
    values[start + i] = fieldValue(values[start + i], name);
  }
}

const NONE = 0, IMMUTABLE = 1;

let isHeaders, listOf, wrapList, wrapExchange;

class Headers {
  #list;
  #guard = NONE;
  #frame;  // the request whose fields these are, as long as they have not been copied

  constructor(init = undefined) {
    if (init === INTERNAL) return;
    this.#list = new FieldList();
    if (init !== undefined) fill(this.#list, init);
  }

  #fields() {
    return this.#list ?? this.#load();
  }

  #load() {
    const flat = host.headers(this.#frame.id);
    if (flat === undefined) throw over('headers');
    const list = new FieldList();
    for (let i = 0; i < flat.length; i += 2) list.append(flat[i], flat[i + 1]);
    this.#list = list;
    return list;
  }

  #change() {
    if (this.#guard === IMMUTABLE) {
      throw new TypeError('These headers are immutable: copy them with new Headers(headers)');
    }
  }

  append(name, value) {
    const list = this.#fields();
    if (arguments.length < 2) throw missing('append', 2, arguments.length);
    name = byteString(name, 'header name');
    value = byteString(value, 'header value');
    name = fieldName(name);
    value = fieldValue(value, name);
    this.#change();
    list.append(name, value);
  }

  delete(name) {
    const list = this.#fields();
    if (arguments.length < 1) throw missing('delete', 1, arguments.length);
    name = fieldName(name);
    this.#change();
    list.delete(name);
  }

  get(name) {
    if (this.#list === undefined) {
      if (arguments.length < 1) throw missing('get', 1, arguments.length);
      const value = host.header(this.#frame.id, fieldName(name));
      if (value === undefined) throw over('headers.get()');
      return value;
    }
    if (arguments.length < 1) throw missing('get', 1, arguments.length);
    return this.#list.get(fieldName(name));
  }

  has(name) {
    const list = this.#fields();
    if (arguments.length < 1) throw missing('has', 1, arguments.length);
    return list.has(fieldName(name));
  }

  set(name, value) {
    const list = this.#fields();
    if (arguments.length < 2) throw missing('set', 2, arguments.length);
    name = byteString(name, 'header name');
    value = byteString(value, 'header value');
    name = fieldName(name);
    value = fieldValue(value, name);
    this.#change();
    list.set(name, value);
  }

  getSetCookie() {
    return this.#fields().all('set-cookie');
  }

  forEach(callback, thisArg = undefined) {
    this.#fields();
    if (arguments.length < 1) throw missing('forEach', 1, arguments.length);
    if (typeof callback !== 'function') throw new TypeError('Headers.forEach needs a function');
    for (let i = 0; i < this.#fields().entries().length; i++) {
      const [name, value] = this.#fields().entries()[i];
      callback.call(thisArg, value, name, this);
    }
  }

  keys() {
    return iterator(this.#fields(), 'key');
  }

  values() {
    return iterator(this.#fields(), 'value');
  }

  entries() {
    return iterator(this.#fields(), 'key+value');
  }

  [Symbol.for('nodejs.util.inspect.custom')](depth, options, inspect) {
    return `Headers ${inspect(Object.fromEntries(this.#fields().entries()), options)}`;
  }

  static {
    isHeaders = (value) => #guard in value;
    listOf = (headers) => headers.#fields();
    wrapList = (list, guard) => {
      const headers = new Headers(INTERNAL);
      headers.#list = list;
      headers.#guard = guard;
      return headers;
    };
    wrapExchange = (frame) => {
      const headers = new Headers(INTERNAL);
      headers.#frame = frame;
      headers.#guard = IMMUTABLE;
      return headers;
    };
  }
}
const INTERNAL = Symbol('internal');

function missing(method, needed, given) {
  return new TypeError(`Headers.${method} needs ${needed} argument${needed > 1 ? 's' : ''}, ` +
    `and got ${given}`);
}

function over(what) {
  return new Error(`The request is over: its ${what} can no longer be read. Read it before the ` +
    'answer is sent, or call ctx.waitUntil() first, which keeps the head');
}

// Iterators are live: each step looks at the list as it is then.
const IteratorPrototype = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()));
const HeadersIteratorPrototype = Object.create(IteratorPrototype);
const iterations = new WeakMap();

function iterator(list, kind) {
  const result = Object.create(HeadersIteratorPrototype);
  iterations.set(result, { list, kind, next: 0 });
  return result;
}
Object.defineProperty(HeadersIteratorPrototype, 'next', {
  configurable: true,
  enumerable: true,
  writable: true,
  value: function next() {
    const state = iterations.get(this);
    if (state === undefined) throw new TypeError('next() of something that is no Headers Iterator');
    const entries = state.list.entries();
    if (state.next >= entries.length) return { value: undefined, done: true };
    const entry = entries[state.next++];
    const value = state.kind === 'key' ? entry[0] : state.kind === 'value' ? entry[1] : entry;
    return { value, done: false };
  },
});
Object.defineProperty(HeadersIteratorPrototype, Symbol.toStringTag, {
  configurable: true,
  value: 'Headers Iterator',
});

const entriesOfHeaders = Headers.prototype.entries;
Object.defineProperty(Headers.prototype, Symbol.iterator, {
  configurable: true,
  enumerable: false,
  writable: true,
  value: entriesOfHeaders,
});

/** Makes methods and getters enumerable and names the class, as WebIDL has it. */
function asInterface(constructor, name) {
  const { prototype } = constructor;
  for (const key of Object.getOwnPropertyNames(prototype)) {
    if (key !== 'constructor') Object.defineProperty(prototype, key, { enumerable: true });
  }
  for (const key of Object.getOwnPropertyNames(constructor)) {
    if (typeof constructor[key] === 'function' && key !== 'prototype') {
      Object.defineProperty(constructor, key, { enumerable: true });
    }
  }
  Object.defineProperty(prototype, Symbol.toStringTag, { configurable: true, value: name });
}
asInterface(Headers, 'Headers');

Object.assign(exports, {
  Headers, FieldList, fill, fieldName, byteString, toText, isHeaders, listOf, wrapList,
  wrapExchange, asInterface, over, NONE, IMMUTABLE,
});
