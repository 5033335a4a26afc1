// The baseline: the cheapest answer that the host can give, against which languages are measured.
#include "plugins/sdk/duet_sdk.h"

namespace {

struct Hello {
  void handle(duet::sdk::Request request) {
    request.respond(200, "Hello, World!", {{"content-type", "text/plain;charset=UTF-8"}});
  }
};

}  // namespace

DUET_PLUGIN_HANDLER(Hello, "hello", "1.0")
