#include "host/websocket/compression.h"

#include <zlib.h>

#include <algorithm>
#include <array>

#include "host/base/check.h"
#include "host/http/message.h"

namespace duet::websocket {

namespace {

constexpr std::uint8_t kMinWindow = 9, kMaxWindow = 15;

// What every compressed message ends with before it is cut off (RFC 7692, 7.2.1).
constexpr std::string_view kTail{"\x00\x00\xff\xff", 4};

// Decompressed bytes are made room for in such steps, and buffers above it are given back.
constexpr std::size_t kStep = 16 * 1024;
constexpr std::size_t kKeptBuffer = 256 * 1024;

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Cuts the next part off, up to a separator outside quotes.
std::string_view next_part(std::string_view& rest, char separator) {
  bool quoted = false;
  std::size_t end = 0;
  for (; end < rest.size() && (quoted || rest[end] != separator); ++end) {
    if (rest[end] == '"') quoted = !quoted;
  }
  const std::string_view part = trim(rest.substr(0, end));
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

// 8 to 15, without leading zeros; 0: anything else.
int window_of(std::string_view value) {
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
    value = value.substr(1, value.size() - 2);
  }
  if (value == "8" || value == "9") return value[0] - '0';
  if (value.size() != 2 || value[0] != '1' || value[1] < '0' || value[1] > '5') return 0;
  return 10 + value[1] - '0';
}

std::optional<Deflate> accept_offer(std::string_view parameters) {
  enum : unsigned { kServerNo = 1, kClientNo = 2, kServerBits = 4, kClientBits = 8 };
  unsigned seen = 0;
  Deflate agreed;
  while (!parameters.empty()) {
    const std::string_view parameter = next_part(parameters, ';');
    const std::size_t equals = parameter.find('=');
    const bool has_value = equals != std::string_view::npos;
    const std::string_view name = trim(parameter.substr(0, equals));
    const std::string_view value = has_value ? trim(parameter.substr(equals + 1)) : "";
    unsigned which = 0;
    if (http::equals_ignoring_case(name, "server_no_context_takeover") && !has_value) {
      which = kServerNo;
    } else if (http::equals_ignoring_case(name, "client_no_context_takeover") && !has_value) {
      which = kClientNo;
    } else if (http::equals_ignoring_case(name, "server_max_window_bits") && has_value) {
      which = kServerBits;
      const int bits = window_of(value);
      if (bits < kMinWindow) return std::nullopt;
      agreed.window_bits = static_cast<std::uint8_t>(bits);
      agreed.told_window = true;
    } else if (http::equals_ignoring_case(name, "client_max_window_bits")) {
      which = kClientBits;  // any window of the client's can be read
      if (has_value && window_of(value) == 0) return std::nullopt;
    }
    if (which == 0 || (seen & which) != 0) return std::nullopt;
    seen |= which;
  }
  return agreed;
}

}  // namespace

std::string Deflate::response() const {
  std::string text = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
  if (told_window) text += "; server_max_window_bits=" + std::to_string(window_bits);
  return text;
}

std::optional<Deflate> accept_deflate(std::string_view offers) {
  while (!offers.empty()) {
    std::string_view offer = next_part(offers, ',');
    const std::string_view name = next_part(offer, ';');
    if (!http::equals_ignoring_case(name, "permessage-deflate")) continue;
    if (auto agreed = accept_offer(offer)) return agreed;
  }
  return std::nullopt;
}

struct DeflateCodec::Streams {
  struct Stream : z_stream {
    Stream() : z_stream{} {}
    bool open = false;
  };
  std::array<Stream, kMaxWindow + 1> out;  // by window bits
  Stream in;

  ~Streams() {
    for (Stream& stream : out) {
      if (stream.open) deflateEnd(&stream);
    }
    if (in.open) inflateEnd(&in);
  }
};

DeflateCodec::DeflateCodec() : streams_(std::make_unique<Streams>()) {}
DeflateCodec::~DeflateCodec() = default;

namespace {

// zlib counts in 32 bits, so a large input goes in pieces.
void give(z_stream& stream, std::string_view& input) {
  if (stream.avail_in > 0 || input.empty()) return;
  const std::size_t part = std::min<std::size_t>(input.size(), 1u << 30);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
  stream.avail_in = static_cast<uInt>(part);
  input.remove_prefix(part);
}

}  // namespace

std::optional<std::string_view> DeflateCodec::compress(std::string_view message,
                                                       const Deflate& agreed) {
  Streams::Stream& stream = streams_->out[agreed.window_bits];
  if (!stream.open) {
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -agreed.window_bits, 8,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
      return std::nullopt;  // no memory for it: uncompressed is always right
    }
    stream.open = true;
  } else {
    deflateReset(&stream);
  }
  if (compressed_.capacity() > kKeptBuffer) std::string().swap(compressed_);
  compressed_.resize(message.size() + kTail.size() - 1);  // longer is not worth it
  std::size_t made = 0;
  std::string_view input = message;
  stream.avail_in = 0;
  while (made < compressed_.size()) {
    give(stream, input);
    const std::size_t room = std::min<std::size_t>(compressed_.size() - made, 1u << 30);
    stream.next_out = reinterpret_cast<Bytef*>(compressed_.data() + made);
    stream.avail_out = static_cast<uInt>(room);
    const int status = deflate(&stream, input.empty() ? Z_SYNC_FLUSH : Z_NO_FLUSH);
    made += room - stream.avail_out;
    if (status != Z_OK) return std::nullopt;
    if (input.empty() && stream.avail_in == 0 && stream.avail_out > 0) {  // flushed
      const std::string_view whole(compressed_.data(), made);
      DUET_CHECK(whole.ends_with(kTail));
      return whole.substr(0, made - kTail.size());
    }
  }
  return std::nullopt;
}

DeflateCodec::Inflated DeflateCodec::decompress(std::string_view payload, std::size_t limit,
                                                std::string& out) {
  out.clear();
  z_stream& stream = streams_->in;
  if (!streams_->in.open) {
    if (inflateInit2(&stream, -static_cast<int>(kMaxWindow)) != Z_OK) return Inflated::kMalformed;
    streams_->in.open = true;
  } else {
    inflateReset(&stream);
  }
  std::size_t made = 0;
  bool tail_given = false;
  stream.avail_in = 0;
  while (true) {
    if (stream.avail_in == 0) {
      if (payload.empty() && !tail_given) {
        payload = kTail;
        tail_given = true;
      }
      give(stream, payload);
    }
    if (made > limit) return Inflated::kTooLarge;
    // One byte beyond the limit is asked for: that tells "too large" from "just fits".
    const std::size_t room = std::min(limit + 1 - made, std::max(kStep, made));
    out.resize(made + room);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + made);
    stream.avail_out = static_cast<uInt>(std::min<std::size_t>(room, 1u << 30));
    const uInt asked = stream.avail_out;
    const int status = inflate(&stream, Z_SYNC_FLUSH);
    made += asked - stream.avail_out;
    if (status == Z_STREAM_END) {
      inflateReset(&stream);  // a final block may be followed by others (RFC 7692, 7.2.3.5)
    } else if (status != Z_OK && status != Z_BUF_ERROR) {
      return Inflated::kMalformed;
    }
    if (made > limit) return Inflated::kTooLarge;
    if (stream.avail_in == 0 && payload.empty() && tail_given && stream.avail_out > 0) {
      // A message ends on a byte after an empty stored block: anything else was cut.
      if (status != Z_STREAM_END && (stream.data_type & 128) == 0) return Inflated::kMalformed;
      out.resize(made);
      return Inflated::kOk;
    }
  }
}

}  // namespace duet::websocket
