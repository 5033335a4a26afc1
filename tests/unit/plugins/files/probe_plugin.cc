// A handler that does what the request's path asks for: every part of the interface once.
#include <stdexcept>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "plugins/sdk/duet_sdk.h"

namespace {

using duet::sdk::Later;
using duet::sdk::Piece;
using duet::sdk::Request;

class Probe {
 public:
  explicit Probe(const duet::sdk::Setup& setup) : host_(setup.host()) {
    if (setup.env("REFUSE")) throw std::runtime_error(std::string(*setup.env("REFUSE")));
    greeting_ = setup.env("GREETING").value_or("none");
  }
  ~Probe() {
    for (std::thread& thread : threads_) thread.join();
  }

  void handle(Request request) {
    const std::string_view path = request.path();
    if (path == "/echo") {
      std::string text(request.method());
      for (std::string_view part :
           {path, request.query(), request.header("X-Probe").value_or("no header"),
            request.param("name").value_or("no param"), request.body(),
            std::string_view(greeting_)}) {
        text += '|';
        text += part;
      }
      request.respond(200, text, {{"content-type", "text/plain"}});
    } else if (path == "/thread") {
      threads_.emplace_back([later = request.later()]() mutable {
        later.respond(202, "from a thread", {{"x-by", "thread"}});
      });
    } else if (path == "/timer") {
      host_.after(5, [later = std::make_shared<Later>(request.later())] {
        later->respond(200, "after a while");
      });
    } else if (path == "/dropped") {
      request.later();
    } else if (path == "/throws") {
      throw std::runtime_error("thrown by the probe");
    } else if (path == "/late-throw") {
      request.respond(200, "answered");
      throw std::runtime_error("thrown after the answer");
    } else if (path == "/bad-status") {
      request.respond(99, "");
    } else if (path == "/bad-field") {
      request.respond(200, "", {{"x-split", "a\r\nset-cookie: b"}});
    } else if (path == "/stream") {
      request.start(200, {{"content-type", "text/plain"}});
      go_on(request);
    } else if (path == "/later") {
      kept_.emplace(request.id(), request.later());
    } else {
      request.fail("the probe knows no " + std::string(path));
    }
  }

  void writable(Request request) { go_on(request); }

  void aborted(duet_request_id id) {
    host_.log(DUET_WARN, "probe: aborted");
    written_.erase(id);
    kept_.erase(id);
  }

 private:
  static constexpr int kPieces = 100;

  void go_on(Request request) {
    int& written = written_[request.id()];
    while (written < kPieces) {
      ++written;
      const Piece said = request.write("piece " + std::to_string(written) + "\n");
      if (said != Piece::kReady) return;
    }
    written_.erase(request.id());
    request.end();
  }

  duet::sdk::Host host_;
  std::string greeting_;
  std::vector<std::thread> threads_;
  std::unordered_map<duet_request_id, int> written_;
  std::unordered_map<duet_request_id, Later> kept_;
};

}  // namespace

DUET_PLUGIN_HANDLER(Probe, "probe", "1.0")
