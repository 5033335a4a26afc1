/* duet's native plug-in interface: plain C, for any compiler. C++ authors: see ../sdk.
 *
 * A plug-in is a shared object that exports duet_plugin_entry(). It yields one kind: a handler.
 * Threads: everything here is called, and may be called, on the loop's thread only, save `log` and
 * `post`, which any thread may use until destroy() returns (so destroy() joins your threads).
 * Lifetimes: a duet_str is valid as long as what it was read from: the request's own strings until
 * the request is over, arguments of a call until it returns. Nothing may throw across this border.
 */
#ifndef DUET_PLUGIN_H
#define DUET_PLUGIN_H
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

#define DUET_PLUGIN_MAJOR 1u /* differs: the plug-in is refused. Tables only grow at their end, */
#define DUET_PLUGIN_MINOR \
  0u /* and then the minor rises: a plug-in newer than the host is refused. */

typedef struct duet_str {
  const char* data;
  size_t size;
} duet_str; /* UTF-8 or bytes; no final 0 */
typedef struct duet_field {
  duet_str name, value;
} duet_field;
typedef struct duet_request duet_request; /* opaque; over after its answer, or once aborted() ran */
typedef uint64_t duet_request_id;         /* names a request while it is suspended; never reused */

enum duet_level { DUET_DEBUG, DUET_INFO, DUET_WARN, DUET_ERROR };
enum duet_status { DUET_OK, DUET_WAIT, DUET_END };    /* go on | wait for the callback | no more */
enum duet_body { DUET_BODY_WHOLE, DUET_BODY_STREAM }; /* handle() after the body | after the head */

/* Work for the loop's thread; called exactly once. With `cancelled` the handler no longer exists:
 * only free `arg`. */
typedef void (*duet_task)(void* arg, int cancelled);

typedef struct duet_host { /* one table for each handler; valid until its destroy() returns */
  uint32_t major, minor;
  /* --- any thread --- */
  void (*log)(const struct duet_host*, enum duet_level, duet_str message);
  void (*post)(const struct duet_host*, duet_task, void* arg); /* soon, in order of posting */
  /* --- loop's thread --- */
  void (*after)(const struct duet_host*, uint64_t milliseconds, duet_task, void* arg);
  duet_request* (*find)(const struct duet_host*, duet_request_id); /* null: over or abandoned */
  duet_request_id (*id)(const duet_request*);
  duet_str (*method)(const duet_request*);
  duet_str (*path)(const duet_request*);  /* percent-encoded as sent, without the query */
  duet_str (*query)(const duet_request*); /* after '?', may be empty */
  duet_str (*header)(const duet_request*, duet_str name); /* first of that name; data null: none */
  duet_str (*param)(const duet_request*, duet_str name);  /* of the route, decoded; null: none */
  duet_str (*body)(const duet_request*);                  /* DUET_BODY_WHOLE: all of it */
  /* DUET_BODY_STREAM: the next piece, valid until any next read. DUET_WAIT: readable() will run.
   * DUET_END: no more, or the client is gone. What is not read holds the client back. */
  enum duet_status (*read)(duet_request*, duet_str* piece);
  /* Answers. 0: done. Otherwise nothing was sent and, for a bad status or field, the request has
   * been failed with the reason. respond(), end() and fail() end the request: forget the pointer.
   */
  int (*respond)(duet_request*, int status, const duet_field*, size_t fields, duet_str body);
  int (*start)(duet_request*, int status, const duet_field*, size_t fields);
  /* A piece after start(). DUET_WAIT: taken, but wait for writable(). DUET_END: nobody reads it. */
  enum duet_status (*write)(duet_request*, duet_str piece);
  void (*end)(duet_request*);
  void (*fail)(duet_request*, duet_str message); /* 500, or a visible cut after start(); logged */
} duet_host;

typedef struct duet_setup { /* what the configuration says; valid during create() */
  duet_str handler, root;   /* its name; the folder of the shared object */
  const duet_field* env;
  size_t env_count;
} duet_setup;

typedef struct duet_plugin {
  uint32_t major, minor; /* DUET_PLUGIN_MAJOR, DUET_PLUGIN_MINOR */
  const char *name, *version;
  enum duet_body body;
  /* Once for each handler that uses the plug-in. Null: refused; *why (static, or kept) says why. */
  void* (*create)(const duet_host*, const duet_setup*, duet_str* why);
  void (*destroy)(void* self);
  /* Answer now, or keep id() and answer later through find(). */
  void (*handle)(void* self, duet_request*);
  void (*readable)(void* self, duet_request*);  /* may be null */
  void (*writable)(void* self, duet_request*);  /* may be null */
  void (*aborted)(void* self, duet_request_id); /* may be null; client gone or 504 sent */
} duet_plugin;

/* Exported by every plug-in; the table lives as long as the shared object. */
#define DUET_PLUGIN_SYMBOL "duet_plugin_entry"
typedef const duet_plugin* (*duet_plugin_entry_fn)(void);

#ifdef __cplusplus
}
#endif
#endif
