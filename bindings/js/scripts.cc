#include "bindings/js/scripts.h"

#include "bindings/js/convert.h"
#include "embedded/answer_js.h"
#include "embedded/body_js.h"
#include "embedded/bootstrap_js.h"
#include "embedded/console_js.h"
#include "embedded/decorators_js.h"
#include "embedded/ending_js.h"
#include "embedded/express_routes_js.h"
#include "embedded/frame_js.h"
#include "embedded/framework_routes_js.h"
#include "embedded/full_js.h"
#include "embedded/guard_js.h"
#include "embedded/headers_js.h"
#include "embedded/inspect_js.h"
#include "embedded/internal_js.h"
#include "embedded/loader_js.h"
#include "embedded/node_response_js.h"
#include "embedded/node_server_js.h"
#include "embedded/node_socket_js.h"
#include "embedded/node_upgrade_js.h"
#include "embedded/request_js.h"
#include "embedded/response_js.h"
#include "embedded/routes_js.h"
#include "embedded/websocket_js.h"

namespace duet::js {
namespace {

class EmbeddedText final : public v8::String::ExternalOneByteStringResource {
 public:
  explicit EmbeddedText(std::string_view text) : text_(text) {}
  const char* data() const override { return text_.data(); }
  std::size_t length() const override { return text_.size(); }

 private:
  std::string_view text_;
};

}  // namespace

std::span<const Script> scripts() {
  // Each may use those before it.
  static const Script kScripts[] = {
      {"frame", embedded::frame_js},
      {"full", embedded::full_js},
      {"headers", embedded::headers_js},
      {"body", embedded::body_js},
      {"response", embedded::response_js},
      {"request", embedded::request_js},
      {"ending", embedded::ending_js},
      {"guard", embedded::guard_js},
      {"websocket", embedded::websocket_js},
      {"answer", embedded::answer_js},
      {"console", embedded::console_js},
      {"inspect", embedded::inspect_js},
      {"nodeSocket", embedded::node_socket_js},
      {"nodeResponse", embedded::node_response_js},
      {"nodeUpgrade", embedded::node_upgrade_js},
      {"nodeServer", embedded::node_server_js},
      {"routes", embedded::routes_js},
      {"expressRoutes", embedded::express_routes_js},
      {"frameworkRoutes", embedded::framework_routes_js},
      {"decorators", embedded::decorators_js},
      {"loader", embedded::loader_js},
      {"bootstrap", embedded::bootstrap_js},
  };
  return kScripts;
}

std::string_view type_stripper() { return embedded::internal_js; }

v8::Local<v8::String> embedded_string(v8::Isolate* isolate, std::string_view ascii) {
  v8::Local<v8::String> string;
  auto* text = new EmbeddedText(ascii);  // V8 owns it when it takes it
  if (v8::String::NewExternalOneByte(isolate, text).ToLocal(&string)) return string;
  delete text;
  return to_string(isolate, ascii);
}

}  // namespace duet::js
