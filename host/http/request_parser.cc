// Cuts the stream into requests: heads and chunks by llhttp, bodies of a declared length here.
//
// llhttp is given slices that end at the latest where a limit would be exceeded, and is paused at
// the ends of heads, chunk lines and messages. So the exact place is known there (its callbacks
// tell none), the sink is never called from inside llhttp, and nothing depends on how bytes
// arrived.
#include "host/http/request_parser.h"

#include <algorithm>
#include <cstring>

#include "host/base/check.h"
#include "host/http/characters.h"

namespace duet::http {

namespace {

// RFC 9112 2.2 asks to ignore at least one empty line before a request.
constexpr int kEmptyLines = 8;

// Longer than any registered method; RFC 9110 15.6.2: too long a method is an unknown one.
constexpr std::size_t kMethodBytes = 64;

// What a chunk's line may take without counting as excess: 16 bytes and twice the data it brings,
// as Go's net/http has it. So small chunks are fine and long extensions are not.
constexpr std::uint64_t kChunkLineBytes = 16;

constexpr std::size_t kMostHeadBytes = std::size_t{1} << 30;

}  // namespace

// What llhttp calls. They note places, or stop it; everything else happens outside.
struct RequestParser::Callbacks {
  static RequestParser& self(llhttp_t* llhttp) {
    return *static_cast<RequestParser*>(llhttp->data);
  }

  static std::uint32_t offset(const RequestParser& parser, const char* at) {
    return static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(at) - parser.origin_);
  }

  // Pieces of one span follow each other without a gap, so a longer length is all they change.
  static int on_url(llhttp_t* llhttp, const char* at, std::size_t length) {
    RequestParser& parser = self(llhttp);
    RequestHead::Span& target = parser.head_->target_;
    if (target.length == 0) target.offset = offset(parser, at);
    target.length += static_cast<std::uint32_t>(length);
    return 0;
  }

  static int on_url_complete(llhttp_t* llhttp) {
    RequestParser& parser = self(llhttp);
    parser.target_ended_ = true;
    return parser.head_->target_.length > parser.target_limit_ ? -1 : 0;
  }

  static int on_version_complete(llhttp_t* llhttp) { return llhttp->http_major == 1 ? 0 : -1; }

  static int on_header_field(llhttp_t* llhttp, const char* at, std::size_t length) {
    RequestParser& parser = self(llhttp);
    std::vector<RequestHead::FieldSpan>& fields = parser.head_->fields_;
    const std::uint32_t begin = offset(parser, at);
    const auto size = static_cast<std::uint32_t>(length);
    if (!fields.empty() && fields.back().name.offset + fields.back().name.length == begin) {
      fields.back().name.length += size;
      fields.back().value.offset += size;
    } else {
      fields.push_back({{begin, size}, {begin + size, 0}});
    }
    return 0;
  }

  static int on_header_value(llhttp_t* llhttp, const char* at, std::size_t length) {
    RequestParser& parser = self(llhttp);
    RequestHead::Span& value = parser.head_->fields_.back().value;
    if (value.length == 0) value.offset = offset(parser, at);
    value.length += static_cast<std::uint32_t>(length);
    return 0;
  }

  static int on_trailer_text(llhttp_t* llhttp, const char* at, std::size_t length) {
    self(llhttp).trailers_.append(at, length);
    return 0;
  }

  static int on_trailer_part(llhttp_t* llhttp) {
    std::string& trailers = self(llhttp).trailers_;
    while (trailers.ends_with(' ') || trailers.ends_with('\t')) trailers.pop_back();
    trailers += '\n';
    return 0;
  }

  static int pause(llhttp_t*) { return HPE_PAUSED; }

  static llhttp_settings_t for_head() {
    llhttp_settings_t settings;
    llhttp_settings_init(&settings);
    settings.on_url = on_url;
    settings.on_url_complete = on_url_complete;
    settings.on_version_complete = on_version_complete;
    settings.on_header_field = on_header_field;
    settings.on_header_value = on_header_value;
    settings.on_headers_complete = pause;
    return settings;
  }

  static llhttp_settings_t for_chunks() {
    llhttp_settings_t settings;
    llhttp_settings_init(&settings);
    settings.on_chunk_header = pause;
    settings.on_header_field = on_trailer_text;
    settings.on_header_field_complete = on_trailer_part;
    settings.on_header_value = on_trailer_text;
    settings.on_header_value_complete = on_trailer_part;
    settings.on_message_complete = pause;
    return settings;
  }

  static llhttp_settings_t head;
  static llhttp_settings_t chunks;
};

llhttp_settings_t RequestParser::Callbacks::head = RequestParser::Callbacks::for_head();
llhttp_settings_t RequestParser::Callbacks::chunks = RequestParser::Callbacks::for_chunks();

RequestParser::RequestParser(Sink& sink, const RequestLimits& limits)
    : sink_(sink),
      head_limit_(static_cast<std::uint32_t>(std::min(limits.head_bytes, kMostHeadBytes))),
      target_limit_(static_cast<std::uint32_t>(std::min(limits.target_bytes, kMostHeadBytes))) {
  llhttp_init(&llhttp_, HTTP_REQUEST, &Callbacks::head);
  // Versions are judged here: a well-formed one that is not ours is 505, not 400.
  llhttp_set_lenient_version(&llhttp_, 1);
  llhttp_.data = this;
}

std::size_t RequestParser::feed(std::string_view bytes) {
  const char* const begin_of_bytes = bytes.data();
  const char* at = begin_of_bytes;
  const char* const end = at + bytes.size();
  Next next = Next::kContinue;
  while (next == Next::kContinue) {
    switch (phase_) {
      case Phase::kComplete:
        end_request();
        next = sink_.on_complete();
        if (!trailers_.empty()) std::string().swap(trailers_);
        continue;
      case Phase::kIgnoring:
        return bytes.size();
      case Phase::kUpgraded:
      case Phase::kRefused:
        return static_cast<std::size_t>(at - begin_of_bytes);
      default:
        break;
    }
    if (at == end) break;
    switch (phase_) {
      case Phase::kIdle:
        if (!begin(at, end)) return static_cast<std::size_t>(at - begin_of_bytes);
        break;
      case Phase::kHead:
        at = read_head(at, end);
        if (phase_ == Phase::kHead || head_ == nullptr || phase_ == Phase::kUnknownMethod) break;
        head_ = nullptr;
        next = sink_.on_head();
        if (next == Next::kUpgrade) {
          upgrading_ = true;
          next = Next::kContinue;
        }
        break;
      case Phase::kUnknownMethod:
        at = read_unknown_method(at, end);
        break;
      case Phase::kBody:
      case Phase::kChunkData: {
        const auto there = static_cast<std::uint64_t>(end - at);
        const std::string_view piece(at, static_cast<std::size_t>(std::min(remaining_, there)));
        if (phase_ == Phase::kChunkData) {
          std::size_t consumed;
          if (execute(at, piece.size(), consumed) != HPE_OK) {
            refuse(400, "The chunked body is malformed.");
            break;
          }
        }
        at += piece.size();
        remaining_ -= piece.size();
        if (remaining_ == 0) {
          phase_ = phase_ == Phase::kBody ? Phase::kComplete : Phase::kChunkEnd;
          section_ = 0;
        }
        next = sink_.on_body(piece);
        break;
      }
      case Phase::kChunkLine:
        at = read_chunk_line(at, end);
        break;
      case Phase::kChunkEnd:
        at = read_chunk_end(at, end);
        break;
      case Phase::kTrailers:
        at = read_trailers(at, end);
        break;
      default:
        break;
    }
  }
  return static_cast<std::size_t>(at - begin_of_bytes);
}

// Skips empty lines; at the first other byte a request begins. False: the sink takes none now.
bool RequestParser::begin(const char*& at, const char* end) {
  bool malformed = false;
  while (at != end) {
    if (half_line_) {
      if (*at != '\n' || ++empty_lines_ > kEmptyLines) {
        malformed = true;
        break;
      }
      half_line_ = false;
      ++at;
    } else if (*at == '\r') {
      half_line_ = true;
      ++at;
    } else {
      malformed = *at == '\n';
      break;
    }
  }
  if (at == end) return true;
  head_ = sink_.begin_request();
  if (head_ == nullptr) return false;
  head_->clear();
  if (malformed) {
    refuse(400, "Stray line breaks precede the request.");
    return true;
  }
  phase_ = Phase::kHead;
  section_ = 0;
  return true;
}

llhttp_errno_t RequestParser::execute(const char* at, std::size_t size, std::size_t& consumed) {
  origin_ = reinterpret_cast<std::uintptr_t>(at) - section_;
  const llhttp_errno_t error = llhttp_execute(&llhttp_, at, size);
  if (error == HPE_OK) {
    consumed = size;
  } else {
    const char* stop = llhttp_get_error_pos(&llhttp_);
    consumed = stop == nullptr ? 0 : static_cast<std::size_t>(stop - at);
    DUET_CHECK(consumed <= size);
  }
  return error;
}

// Leaves the phase when the head is complete (head_ is then still set) or refused.
const char* RequestParser::read_head(const char* at, const char* end) {
  const std::size_t size =
      std::min<std::size_t>(static_cast<std::size_t>(end - at), head_limit_ - section_);
  std::size_t consumed;
  const llhttp_errno_t error = execute(at, size, consumed);
  if (error == HPE_PAUSED) [[likely]] {
    head_->bytes_.append(at, consumed);
    accept_head();
    return at + consumed;
  }
  head_->bytes_.append(at, size);
  if (error == HPE_OK) {
    section_ += static_cast<std::uint32_t>(size);
    if (request_line_wrong()) return at + size;
    if (section_ < head_limit_) return at + size;
    refuse(431, "The request's head is larger than this server takes.");
  } else if (error == HPE_INVALID_METHOD) {
    phase_ = Phase::kUnknownMethod;
    read_unknown_method(nullptr, nullptr);
  } else {
    refuse_head(error, section_ + consumed);
  }
  return at + size;
}

void RequestParser::begin_chunks() {
  llhttp_.settings = &Callbacks::chunks;
  llhttp_.upgrade = 0;  // an upgrade is the sink's decision
  llhttp_resume(&llhttp_);
  phase_ = Phase::kChunkLine;
}

// The bytes so far are in the head. The character after the method decides.
const char* RequestParser::read_unknown_method(const char* at, const char* end) {
  std::string& bytes = head_->bytes_;
  if (at != end) bytes.append(at, end);
  const std::size_t most = std::min(bytes.size(), kMethodBytes);
  std::size_t length = 0;
  while (length < most && is(kTokenChar, bytes[length])) ++length;
  if (length == kMethodBytes || (length < most && length > 0 && bytes[length] == ' ')) {
    refuse(501, "The request's method is not known to this server.");
  } else if (length < most) {
    const bool tls = bytes[0] == '\x16';  // the record type of a handshake
    refuse(400, tls ? "This is a plain HTTP port, and the client speaks TLS."
                    : "The request does not begin with a method.");
  }
  return end;
}

// To the line's end, or to the next white space that is not llhttp's to see: RFC 9112 7.1.1 has it
// beside ';' and '=', and a recipient must take it (RFC 9110 5.6.3). Null: it is elsewhere, where
// "1 0" could be read as 16 by somebody.
const char* RequestParser::before_white_space(const char* at, const char* end) {
  const auto separates = [](char c) { return c == ';' || c == '='; };
  if (section_ == 0) line_ = {};
  for (; at != end && !line_.ended; ++at) {
    if (*at == '\r') {
      if (line_.spaced && !separates(line_.last)) return nullptr;
      line_.ended = true;
    } else if (line_.quoted) {
      line_.quoted = line_.escaped || *at != '"';
      line_.escaped = !line_.escaped && *at == '\\';
    } else if (*at == ' ' || *at == '\t') {
      return at;
    } else if (line_.spaced && !separates(line_.last) && !separates(*at)) {
      return nullptr;
    } else {
      line_.quoted = *at == '"';
    }
    line_.spaced = false;
    line_.last = *at;
  }
  return end;
}

const char* RequestParser::read_chunk_line(const char* at, const char* end) {
  std::size_t size =
      std::min<std::size_t>(static_cast<std::size_t>(end - at), head_limit_ - section_);
  const char* const space = before_white_space(at, at + size);
  if (space == nullptr) {
    refuse_chunk(HPE_INVALID_CHUNK_SIZE);
    return at + size;
  }
  if (space == at) {
    line_.spaced = true;
    if (++section_ == head_limit_) refuse(400, "A chunk's extensions are too long.");
    return at + 1;
  }
  size = static_cast<std::size_t>(space - at);
  std::size_t consumed;
  const llhttp_errno_t error = execute(at, size, consumed);
  if (error == HPE_OK) {
    section_ += static_cast<std::uint32_t>(size);
    if (section_ == head_limit_) refuse(400, "A chunk's extensions are too long.");
    return at + size;
  }
  if (error != HPE_PAUSED) {
    refuse_chunk(error);
    return at + size;
  }
  remaining_ = llhttp_.content_length;
  const std::uint64_t line = section_ + consumed + chunk_excess_;
  const std::uint64_t data = std::min<std::uint64_t>(remaining_, head_limit_);
  const std::uint64_t reasonable = kChunkLineBytes + 2 * data;
  chunk_excess_ = static_cast<std::uint32_t>(line > reasonable ? line - reasonable : 0);
  if (chunk_excess_ > head_limit_) {
    refuse(400, "The chunks' extensions are too long.");
    return at + consumed;
  }
  llhttp_resume(&llhttp_);
  phase_ = remaining_ == 0 ? Phase::kTrailers : Phase::kChunkData;
  section_ = 0;
  return at + consumed;
}

const char* RequestParser::read_chunk_end(const char* at, const char* end) {
  const std::size_t size = std::min<std::size_t>(static_cast<std::size_t>(end - at), 2 - section_);
  std::size_t consumed;
  if (const llhttp_errno_t error = execute(at, size, consumed); error != HPE_OK) {
    refuse_chunk(error);
    return at + size;
  }
  section_ += static_cast<std::uint32_t>(size);
  if (section_ == 2) {
    phase_ = Phase::kChunkLine;
    section_ = 0;
  }
  return at + size;
}

const char* RequestParser::read_trailers(const char* at, const char* end) {
  const std::size_t size =
      std::min<std::size_t>(static_cast<std::size_t>(end - at), head_limit_ - section_);
  std::size_t consumed;
  const llhttp_errno_t error = execute(at, size, consumed);
  if (error == HPE_PAUSED) {
    phase_ = Phase::kComplete;
    return at + consumed;
  }
  if (error != HPE_OK) {
    refuse(400, "The trailers after the chunked body are malformed.");
    return at + size;
  }
  section_ += static_cast<std::uint32_t>(size);
  if (section_ == head_limit_) refuse(431, "The trailers are larger than this server takes.");
  return at + size;
}

// The request is complete: what comes next is decided before the sink is told.
void RequestParser::end_request() {
  empty_lines_ = 0;
  if (upgrading_) {
    phase_ = Phase::kUpgraded;
  } else if (ends_connection_) {
    phase_ = Phase::kIgnoring;
  } else {
    phase_ = Phase::kIdle;
    target_ended_ = false;
    chunk_excess_ = 0;
    llhttp_reset(&llhttp_);
    llhttp_.settings = &Callbacks::head;
  }
}

bool RequestParser::refuse(int status, const char* reason) {
  refusal_ = {status, reason};
  phase_ = Phase::kRefused;
  head_ = nullptr;
  return false;
}

bool RequestParser::refuse_chunk(llhttp_errno_t error) {
  return refuse(400, error == HPE_INVALID_CHUNK_SIZE ? "A chunk's size is malformed or too large."
                                                     : "The chunked body is malformed.");
}

}  // namespace duet::http
