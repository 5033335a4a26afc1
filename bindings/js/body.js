'use strict';
// Bodies: what a Response or Request is made from, and how it is read.
//
// A body is a string or bytes as long as nobody looks at it as a stream: those need no stream
// object and no copy on their way to the socket.

const { types } = require('util');
const { full } = use.full;

const encoder = new TextEncoder();
const decoder = new TextDecoder();  // UTF-8, strips a byte order mark, as the standard asks

let isDisturbedStream;
function isDisturbed(stream) {
  isDisturbedStream ??= require('stream').isDisturbed;
  return isDisturbedStream(stream);
}

function isStream(value) {
  return value instanceof ReadableStream;
}

function tag(value) {
  return Object.prototype.toString.call(value);
}

/**
 * Takes a BodyInit that is not null apart: { source, stream, type }. `source` is a string, a
 * Uint8Array or a Blob; `stream` a ReadableStream; `type` the Content-Type it implies, or null.
 */
function extract(value) {
  if (typeof value === 'string') {
    return { source: value, stream: null, type: 'text/plain;charset=UTF-8' };
  }
  if (typeof value === 'object') {
    if (types.isUint8Array(value)) {
      // Copied: the standard lets the caller reuse its memory at once.
      return { source: new Uint8Array(value), stream: null, type: null };
    }
    if (isStream(value)) {
      if (value.locked || isDisturbed(value)) {
        throw new TypeError('A body stream must not be locked or already read from');
      }
      return { source: null, stream: value, type: null };
    }
    if (ArrayBuffer.isView(value)) {
      const copy = new Uint8Array(value.byteLength);
      copy.set(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
      return { source: copy, stream: null, type: null };
    }
    if (types.isAnyArrayBuffer(value)) {
      return { source: new Uint8Array(value.slice(0)), stream: null, type: null };
    }
    if (value instanceof URLSearchParams) {
      return {
        source: value.toString(),
        stream: null,
        type: 'application/x-www-form-urlencoded;charset=UTF-8',
      };
    }
    if (value instanceof Blob) {
      return { source: value, stream: null, type: value.type === '' ? null : value.type };
    }
    if (tag(value) === '[object FormData]') {
      // Multipart framing is undici's: its Response makes the stream and the boundary.
      const made = new (full().Response)(value);
      return { source: null, stream: made.body, type: made.headers.get('content-type') };
    }
    if (typeof value[Symbol.asyncIterator] === 'function') {
      return { source: null, stream: streamFrom(value), type: null };
    }
  }
  if (typeof value === 'symbol') throw new TypeError('A symbol cannot be a body');
  return { source: `${value}`, stream: null, type: 'text/plain;charset=UTF-8' };
}

/** A byte stream over what an async iterable gives: bytes or strings. */
function streamFrom(iterable) {
  const iterator = iterable[Symbol.asyncIterator]();
  return new ReadableStream({
    type: 'bytes',
    async pull(controller) {
      for (;;) {
        const { done, value } = await iterator.next();
        if (done) {
          controller.close();
          controller.byobRequest?.respond(0);
          return;
        }
        const chunk = toChunk(value);
        if (chunk.byteLength === 0) continue;
        // Enqueueing takes the memory over, and the iterable may still use it.
        controller.enqueue(new Uint8Array(chunk));
        return;
      }
    },
    async cancel(reason) {
      await iterator.return?.(reason);
    },
  }, { highWaterMark: 0 });
}

/** One chunk of a body stream as Uint8Array; strings are taken as UTF-8. */
function toChunk(chunk) {
  if (types.isUint8Array(chunk)) return chunk;
  if (typeof chunk === 'string') return encoder.encode(chunk);
  if (ArrayBuffer.isView(chunk)) {
    return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  }
  if (types.isAnyArrayBuffer(chunk)) return new Uint8Array(chunk);
  throw new TypeError(`A body stream gave ${describe(chunk)}; it must give Uint8Array or strings`);
}

function describe(value) {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object') return `${typeof value} ${String(value).slice(0, 40)}`;
  const name = value.constructor?.name;
  return name ? `an object of class ${name}` : 'an object';
}

/** A byte stream over a body that is in memory. */
function streamOf(source) {
  if (source instanceof Blob) return source.stream();
  return new ReadableStream({
    type: 'bytes',
    pull(controller) {
      const bytes = typeof source === 'string' ? encoder.encode(source) : source;
      source = '';
      if (bytes.byteLength > 0) controller.enqueue(bytes.slice());
      controller.close();
      controller.byobRequest?.respond(0);
    },
  }, { highWaterMark: 0 });
}

/** Reads a stream to its end: a Uint8Array. */
async function readAll(stream) {
  const reader = stream.getReader();
  const chunks = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (!types.isUint8Array(value)) {
      const error = new TypeError(`A body stream gave ${describe(value)} instead of a Uint8Array`);
      reader.cancel(error).catch(() => {});
      throw error;
    }
    chunks.push(value);
    size += value.byteLength;
  }
  if (chunks.length === 1) return chunks[0];
  const all = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.byteLength;
  }
  return all;
}

function toBytes(data) {
  return typeof data === 'string' ? encoder.encode(data) : data;
}

function ownBytes(bytes) {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
}

/** What each reading method makes of a complete body: a string, or a Uint8Array of nobody else. */
const convert = {
  text(data) {
    return typeof data === 'string' ? data.toWellFormed() : decoder.decode(data);
  },
  json(data) {
    return JSON.parse(convert.text(data));
  },
  bytes(data) {
    return ownBytes(toBytes(data));
  },
  arrayBuffer(data) {
    return ownBytes(toBytes(data)).buffer;
  },
  blob(data, type) {
    return new Blob([data], { type: blobType(type) });
  },
  formData(data, type) {
    // Multipart parsing is undici's.
    const headers = type === null ? {} : { 'content-type': type };
    return new (full().Response)(toBytes(data), { headers }).formData();
  },
};

// A Blob's type is a MIME type in its normal form, or empty when it cannot be parsed.
function blobType(type) {
  if (type === null) return '';
  try {
    return new (require('util').MIMEType)(type).toString();
  } catch {
    return '';
  }
}

function unusable() {
  return new TypeError('Body is unusable: it has already been read, or its stream is locked');
}

Object.assign(exports, {
  extract, toChunk, describe, streamOf, readAll, convert, unusable, isDisturbed, isStream, tag,
});
