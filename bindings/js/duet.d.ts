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
  export import HandlerRequest = duet.HandlerRequest;
  export import Fetch = duet.Fetch;
  export import Handler = duet.Handler;
}
