/* The interface without the SDK, in C: counts its requests. */
#include <stdio.h>
#include <stdlib.h>

#include "plugins/api/duet_plugin.h"

struct counter {
  const duet_host* host;
  int requests;
};

static void* create(const duet_host* host, const duet_setup* setup, duet_str* why) {
  static const char no_memory[] = "no memory";
  struct counter* self = calloc(1, sizeof *self);
  (void)setup;
  if (self == NULL) {
    why->data = no_memory;
    why->size = sizeof no_memory - 1;
    return NULL;
  }
  self->host = host;
  return self;
}

static void destroy(void* self) { free(self); }

static void handle(void* instance, duet_request* request) {
  struct counter* self = instance;
  char text[32];
  duet_str body = {text, 0};
  body.size = (size_t)snprintf(text, sizeof text, "request %d", ++self->requests);
  self->host->respond(request, 200, NULL, 0, body);
}

static const duet_plugin plugin = {
    DUET_PLUGIN_MAJOR,
    DUET_PLUGIN_MINOR,
    "counter",
    "1.0",
    DUET_BODY_WHOLE,
    create,
    destroy,
    handle,
    NULL,
    NULL,
    NULL,
};

__attribute__((visibility("default"))) const duet_plugin* duet_plugin_entry(void) {
  return &plugin;
}
