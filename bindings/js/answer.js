'use strict';
// From what a handler returned to what the host sends.

const { Response, isResponse, parts, markSent } = use.response;
const { describe, toChunk, extract, isStream, tag } = use.body;
const { watch } = use.frame;
const { startSocket } = use.websocket;
const { types } = require('util');

const TEXT = 'content-type\ntext/plain;charset=utf-8\n';
const JSON_TYPE = 'content-type\napplication/json\n';
const BYTES = 'content-type\napplication/octet-stream\n';

const ALLOWED = 'return a Response, a string (text), a plain object or an array (JSON), a ' +
  'Uint8Array or an ArrayBuffer (bytes), or an async iterable (a stream)';

const FULL = 1, GONE = 2;  // of host.write()

// One answer is taken apart at a time, and nothing runs in between: no object an answer.
const out = { status: 0, headers: '', source: null, stream: null, unusable: false };

// Most answers of a handler have equal heads, and text for a body: the host, which has taken the last
// one's head apart, is then told no more than the text. Another head has another count in `shared`.
const { shared } = host;
const HEAD = 1;  // as in Pump::Shared
let lastStatus = 0, lastHeaders = '', lastCount = -1;

function respond(frame, status, headers, body) {
  if (typeof body === 'string' && headers === lastHeaders && status === lastStatus &&
      shared[HEAD] === lastCount) {
    host.respondAlike(frame.id, body);
    return;
  }
  // Undefined: the request is over, and the host has not looked at the head.
  if (host.respond(frame.id, status, headers, body) === undefined) return;
  lastStatus = status;
  lastHeaders = headers;
  lastCount = shared[HEAD];
}

/** Answers the frame's exchange with what the handler gave. May throw: then it has failed. */
function settle(frame, value) {
  if (frame.socket !== undefined) {  // answered by the upgrade; now its messages may come
    startSocket(frame.socket);
    return;
  }
  if (typeof value === 'string') {
    respond(frame, 200, TEXT, value);
    return;
  }
  if (typeof value !== 'object' || value === null) throw notAnAnswer(value);
  if (isResponse(value)) {
    answer(frame, value);
    return;
  }
  if (types.isUint8Array(value) || types.isAnyArrayBuffer(value) || ArrayBuffer.isView(value)) {
    host.respond(frame.id, 200, BYTES, value);
    return;
  }
  if (tag(value) === '[object Response]') {
    foreign(frame, value);
    return;
  }
  if (isStream(value) || typeof value[Symbol.asyncIterator] === 'function') {
    const { stream } = extract(value);
    sendStream(frame, 200, BYTES, stream);
    return;
  }
  if (value instanceof Blob || value instanceof URLSearchParams ||
      tag(value) === '[object FormData]') {
    answer(frame, new Response(value));
    return;
  }
  if (types.isBoxedPrimitive(value) || types.isGeneratorObject(value) || types.isMap(value) ||
      types.isSet(value) || types.isNativeError(value) || tag(value) === '[object Request]') {
    throw notAnAnswer(value);
  }
  const text = JSON.stringify(value);
  if (text === undefined) throw notAnAnswer(value);
  respond(frame, 200, JSON_TYPE, text);
}

function notAnAnswer(value) {
  const error = new TypeError(`The handler returned ${describe(value)}, which is no answer` +
    (value === undefined ? ' (is a `return` missing?)' : ''));
  error.hint = ALLOWED;
  // Where it was created here says nothing about the handler.
  error.stack = `TypeError: ${error.message}`;
  return error;
}

function answer(frame, response) {
  parts(response, out);
  const { status, headers, source, stream } = out;
  if (out.unusable) {
    throw new TypeError('The body of the returned Response has already been read: clone() it ' +
      'before reading');
  }
  if (status === 0) throw new TypeError('The handler returned Response.error(): a network error');
  if (stream !== null) {
    markSent(response);
    sendStream(frame, status, headers, stream);
  } else if (source === null || typeof source === 'string' || types.isUint8Array(source)) {
    respond(frame, status, headers, source);
  } else {
    sendStream(frame, status, `${headers}content-length\n${source.size}\n`, source.stream());
  }
}

// undici's Response (what fetch gives), or another library's.
function foreign(frame, response) {
  if (response.bodyUsed) {
    throw new TypeError('The body of the returned Response has already been read: clone() it ' +
      'before reading');
  }
  let headers = '';
  // fetch has decoded the body, so what described its coded form would now be wrong.
  const decoded = response.headers.has('content-encoding');
  for (const [name, value] of response.headers) {
    if (decoded && (name === 'content-encoding' || name === 'content-length')) continue;
    headers += `${name}\n${value}\n`;
  }
  const { body } = response;
  if (body === null || body === undefined) host.respond(frame.id, response.status, headers, null);
  else sendStream(frame, response.status, headers, isStream(body) ? body : extract(body).stream);
}

function sendStream(frame, status, headers, stream) {
  const reader = stream.getReader();
  if (!host.start(frame.id, status, headers)) {
    reader.cancel(gone()).catch(() => {});
    return;
  }
  pump(frame, reader);
}

function gone() {
  return new DOMException('The answer is not wanted any more: the client is gone, or the request ' +
    'is over', 'AbortError');
}

async function pump(frame, reader) {
  // Told at once when the client goes, even while the stream is silent.
  let done = false;
  if (watch(frame)) {
    const before = frame.onAbort;
    frame.onAbort = (why) => {
      before?.(why);
      if (!done) reader.cancel(gone()).catch(() => {});
      done = true;
    };
  }
  try {
    for (;;) {
      const { done: ended, value } = await reader.read();
      if (ended) break;
      const result = host.write(frame.id, typeof value === 'string' ? value : toChunk(value));
      if (result === GONE) {
        if (!done) await reader.cancel(gone());
        return;
      }
      if (result === FULL && watch(frame)) {
        await new Promise((resolve) => {
          frame.onWritable = resolve;
        });
      }
    }
    if (!done) host.end(frame.id);
  } catch (error) {
    reader.cancel(error).catch(() => {});
    if (!done) host.fail(frame.id, frame.handler.index, error);
  } finally {
    done = true;
  }
}

exports.settle = settle;
