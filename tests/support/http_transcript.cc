#include "tests/support/http_transcript.h"

#include <algorithm>
#include <utility>

#include "host/base/check.h"

namespace duet::http {

namespace {

std::string describe(const RequestHead& head) {
  std::string text = "head ";
  text.append(head.method_text()).append(" ").append(head.target());
  text.append(" HTTP/1.").append(std::to_string(head.minor_version()));
  text.append(" path=").append(head.path()).append(" query=").append(head.query());
  text.append(" host=").append(head.host());
  text.append(head.keep_alive() ? " keep-alive" : " close");
  if (head.chunked()) text.append(" chunked");
  if (head.content_length()) text.append(" length=").append(std::to_string(*head.content_length()));
  if (head.expects_continue()) text.append(" expects");
  if (head.upgrade()) text.append(" upgrade");
  for (std::size_t i = 0; i < head.field_count(); ++i) {
    const Field field = head.field(i);
    text.append("\n  ").append(field.name).append(": ").append(field.value);
  }
  return text + "\n";
}

class Listener final : public RequestParser::Sink {
 public:
  explicit Listener(const Delivery& delivery)
      : delivery_(delivery), parser_(*this, delivery.limits) {}

  RequestParser& parser() { return parser_; }
  // Whether it stopped feed() since the last question.
  bool take_paused() { return std::exchange(paused_, false); }

  RequestHead* begin_request() override {
    DUET_CHECK(!parser_.in_head() && !parser_.in_body());
    if (delivery_.pausing && std::exchange(willing_, !willing_) == false) {
      paused_ = true;
      return nullptr;
    }
    full += "begin\n";
    brief += brief.empty() ? "..." : " | ...";
    return &head_;
  }

  RequestParser::Next on_head() override {
    DUET_CHECK(!parser_.in_head());
    full += describe(head_);
    replace_dots(std::string(head_.method_text()) + " " + std::string(head_.target()) + " [");
    const bool upgrade = head_.upgrade() || head_.method() == Method::kConnect;
    if (upgrade && delivery_.upgrading) return RequestParser::Next::kUpgrade;
    head_.clear();  // the sink may reuse it: the parser must not look any more
    return next();
  }

  RequestParser::Next on_body(std::string_view piece) override {
    DUET_CHECK(!piece.empty());
    if (!in_body_) full += "body ";
    in_body_ = true;
    full += piece;
    brief += piece;
    return next();
  }

  RequestParser::Next on_complete() override {
    DUET_CHECK(!parser_.in_body());
    end_body();
    full += "complete\n";
    full += parser_.trailers();
    brief += "]";
    return next();
  }

  void end_body() {
    if (in_body_) full += "\n";
    in_body_ = false;
  }
  void replace_dots(const std::string& text) { brief.replace(brief.size() - 3, 3, text); }

  std::string full, brief;

 private:
  RequestParser::Next next() {
    paused_ = delivery_.pausing;
    return paused_ ? RequestParser::Next::kPause : RequestParser::Next::kContinue;
  }

  const Delivery& delivery_;
  RequestHead head_;
  RequestParser parser_;
  bool paused_ = false, willing_ = false, in_body_ = false;
};

// Feeds a copy of exactly the piece's size, so that a sanitizer sees reads beyond it.
std::size_t feed_copy(RequestParser& parser, std::string_view piece) {
  const std::unique_ptr<char[]> copy(new char[piece.size()]);
  std::copy(piece.begin(), piece.end(), copy.get());
  return parser.feed({copy.get(), piece.size()});
}

void deliver(Listener& listener, std::string_view bytes, const Delivery& delivery) {
  RequestParser& parser = listener.parser();
  std::string pending;
  std::size_t at = 0;
  while (at < bytes.size()) {
    std::size_t size = delivery.piece == 0 ? bytes.size() - at : delivery.piece;
    if (at < delivery.first_cut) size = delivery.first_cut - at;
    size = std::min(size, bytes.size() - at);
    pending += bytes.substr(at, size);
    at += size;
    do {
      pending.erase(0, feed_copy(parser, pending));
    } while (listener.take_paused());
    if (parser.refused() || parser.upgraded()) break;
    DUET_CHECK(pending.empty());
  }
  listener.end_body();
  if (parser.refused()) {
    DUET_CHECK(parser.refusal().status != 0 && *parser.refusal().reason != '\0');
    const std::string status = std::to_string(parser.refusal().status);
    listener.full += "refused " + status + " " + parser.refusal().reason + "\n";
    if (listener.brief.ends_with("...")) {
      listener.replace_dots(status);
    } else {
      listener.brief += " | " + status;
    }
  } else if (parser.upgraded()) {
    const std::string rest = pending + std::string(bytes.substr(at));
    listener.full += "upgraded, rest \"" + rest + "\"\n";
    listener.brief += " | upgraded [" + rest + "]";
  }
}

}  // namespace

std::string transcript(std::string_view bytes, const Delivery& delivery) {
  Listener listener(delivery);
  deliver(listener, bytes, delivery);
  return std::move(listener.full);
}

std::string summary(std::string_view bytes, const Delivery& delivery) {
  Listener listener(delivery);
  deliver(listener, bytes, delivery);
  return std::move(listener.brief);
}

}  // namespace duet::http
