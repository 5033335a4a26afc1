/**
 * Types of duet's JavaScript handlers.
 *
 *     // @ts-check
 *     /// <reference path="./duet.d.ts" />          or: import type { Handler } from "./duet";
 *     export default {
 *       fetch(request, env, ctx) {
 *         return new Response(`Hello ${request.params.name}`);
 *       },
 *     } satisfies duet.Handler;
 *
 * Request, Response and Headers are the standard's (lib.dom, @types/node); what duet adds to a request
 * is here.
 */
declare namespace duet {
  /** What a handler may return: now, or by a promise. */
  type Answer =
    | Response
    /** text/plain;charset=utf-8 */
    | string
    /** application/json */
    | readonly unknown[]
    | { readonly [key: string]: unknown }
    /** application/octet-stream */
    | ArrayBuffer
    | ArrayBufferView
    /** with its own type */
    | Blob
    | URLSearchParams
    | FormData
    /** application/octet-stream, sent piece by piece at the pace of the client */
    | ReadableStream<Uint8Array | string>
    | AsyncIterable<Uint8Array | string>;

  /** The variables that the configuration gives this handler. */
  type Env = Readonly<Record<string, string>>;

  interface Context {
    /**
     * Keeps the host up until the promise settles, also when it is told to stop (for as long as its
     * grace lasts). The answer does not wait. A rejection is logged. Keeps the request's head
     * readable, which otherwise ends with the answer.
     */
    waitUntil(promise: unknown): void;
  }

  /** What the host knows about a request. */
  interface RequestInfo {
    /** The variant of an experiment that the request was assigned to. */
    readonly variant: string | null;
    /** What it was assigned by. */
    readonly key: string | null;
    /** When the answer must have begun, in milliseconds since 1970; null: there is no deadline. */
    readonly deadline: number | null;
    /** As request.params. */
    readonly params: Readonly<Record<string, string>>;
    /**
     * Answers the WebSocket handshake (101) and gives the socket: attach listeners, or iterate, and
     * return `response`. Messages wait until somebody listens or the handler has returned. A request
     * that is no handshake is answered 426 (400 when it is a wrong one), and this throws a TypeError
     * that need not be caught.
     */
    upgradeWebSocket(options?: UpgradeOptions): { socket: ServerWebSocket; response: Response };
  }

  interface UpgradeOptions {
    /** A subprotocol that the client offers (Sec-WebSocket-Protocol). */
    protocol?: string;
    /** More fields of the answer. */
    headers?: HeadersInit;
  }

  interface ServerWebSocketEventMap {
    open: Event;
    message: MessageEvent<string | ArrayBuffer | Blob>;
    /** What send() has left waiting has been sent. */
    drain: Event;
    /** Before "close", when the connection broke or the client did wrong. */
    error: Event;
    close: CloseEvent;
  }

  /**
   * The server's side of a WebSocket: the standard's, and what a server needs beside it. A listener
   * that throws is logged, and the socket closes with 1011. Pings and pongs are the host's.
   */
  interface ServerWebSocket extends AsyncIterable<string | ArrayBuffer | Blob> {
    readonly readyState: 1 | 2 | 3;
    readonly url: string;
    readonly protocol: string;
    readonly extensions: string;
    /** Bytes that wait for the client to read. */
    readonly bufferedAmount: number;
    /** "arraybuffer" is the default here. */
    binaryType: "arraybuffer" | "blob";
    onopen: ((event: Event) => unknown) | null;
    onmessage: ((event: MessageEvent<string | ArrayBuffer | Blob>) => unknown) | null;
    ondrain: ((event: Event) => unknown) | null;
    onerror: ((event: Event) => unknown) | null;
    onclose: ((event: CloseEvent) => unknown) | null;
    /** False: taken, but much waits already; wait for "drain". Nothing is sent once it is closing. */
    send(data: string | ArrayBuffer | ArrayBufferView): boolean;
    close(code?: number, reason?: string): void;
    /** Ends the connection without the closing handshake. */
    terminate(): void;
    addEventListener<K extends keyof ServerWebSocketEventMap>(
      type: K,
      listener: (event: ServerWebSocketEventMap[K]) => unknown,
      options?: { once?: boolean; signal?: AbortSignal },
    ): void;
    removeEventListener<K extends keyof ServerWebSocketEventMap>(
      type: K,
      listener: (event: ServerWebSocketEventMap[K]) => unknown,
    ): void;
    /** The messages, until the socket closes. Who is behind slows the client down. */
    [Symbol.asyncIterator](): AsyncIterableIterator<string | ArrayBuffer | Blob>;
  }

  /**
   * The request that a handler is given. Its `signal` aborts when the client goes away or the deadline
   * passes. What has not been read when the answer is complete can no longer be read: an Error says so.
   */
  interface HandlerRequest extends Request {
    /** Parameters of the route, percent-decoded: {id} of /users/{id} is params.id. */
    readonly params: Record<string, string>;
    /** The query of the URL. */
    readonly query: URLSearchParams;
    readonly duet: RequestInfo;
  }

  type Fetch = (
    request: HandlerRequest,
    env: Env,
    ctx: Context,
  ) => Answer | PromiseLike<Answer>;

  /** The default export of a handler's module. */
  type Handler = Fetch | { fetch: Fetch };
}

declare module "duet" {
  export import Answer = duet.Answer;
  export import Env = duet.Env;
  export import Context = duet.Context;
  export import RequestInfo = duet.RequestInfo;
  export import UpgradeOptions = duet.UpgradeOptions;
  export import ServerWebSocket = duet.ServerWebSocket;
  export import HandlerRequest = duet.HandlerRequest;
  export import Fetch = duet.Fetch;
  export import Handler = duet.Handler;
}
