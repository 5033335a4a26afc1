// Counts a streamed body piece by piece.
#include <string>
#include <unordered_map>

#include "plugins/sdk/duet_sdk.h"

namespace {

using duet::sdk::Piece;
using duet::sdk::Request;

class Upload {
 public:
  static constexpr bool kStreamsBody = true;

  void handle(Request request) { readable(request); }

  void readable(Request request) {
    Count& count = counts_[request.id()];
    std::string_view piece;
    for (;;) {
      switch (request.read(piece)) {
        case Piece::kReady:
          count.bytes += piece.size();
          ++count.pieces;
          continue;
        case Piece::kWait:
          return;
        case Piece::kEnd: {
          const std::string text =
              std::to_string(count.bytes) + " bytes in " + std::to_string(count.pieces);
          counts_.erase(request.id());
          request.respond(200, text);
          return;
        }
      }
    }
  }
  void aborted(duet_request_id id) { counts_.erase(id); }

 private:
  struct Count {
    std::size_t bytes = 0, pieces = 0;
  };
  std::unordered_map<duet_request_id, Count> counts_;
};

}  // namespace

DUET_PLUGIN_HANDLER(Upload, "upload", "1.0")
