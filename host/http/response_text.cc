#include "host/http/response_text.h"

#include <array>
#include <charconv>
#include <cstring>

namespace duet::http {

namespace {

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\n";

// Writes into one stretch of `out` that is grown once, so that each piece is a plain copy.
class Writer {
 public:
  Writer(std::string& out, std::size_t most) : out_(out), before_(out.size()) {
    out.resize(before_ + most);
    at_ = out.data() + before_;
  }
  ~Writer() { out_.resize(static_cast<std::size_t>(at_ - out_.data())); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void text(std::string_view piece) {
    if (piece.empty()) return;
    std::memcpy(at_, piece.data(), piece.size());
    at_ += piece.size();
  }
  void number(std::uint64_t value) { at_ = std::to_chars(at_, at_ + 20, value).ptr; }
  void status_line(int status, std::string_view reason = {}) {
    if (status == 200 && reason.empty()) return text(kOk);
    text("HTTP/1.1 ");
    number(static_cast<std::uint64_t>(status));
    if (reason.empty()) {
      text(" ");
      reason = reason_phrase(status);
    }
    text(reason);
    text("\r\n");
  }

 private:
  std::string& out_;
  std::size_t before_;
  char* at_;
};

// Status line with the longest phrase, one framing field, Connection, the last line.
constexpr std::size_t kMostOfHead = 160;

}  // namespace

void append_response_head(std::string& out, const ResponseHead& head, const Framing& framing,
                          std::string_view date_line,
                          std::initializer_list<std::string_view> own_fields) {
  const int status = head.status();
  std::size_t size = kMostOfHead + head.reason().size() + head.fields().size() + date_line.size();
  for (const std::string_view fields : own_fields) size += fields.size();
  Writer writer(out, size);
  writer.status_line(status, head.reason());
  writer.text(head.fields());
  if (status == 304) {
    // Only the handler knows the length that a 200 would have; an empty body does not tell it.
    if (head.content_length()) {
      writer.text(head.content_length_name());
      writer.text(": ");
      writer.number(*head.content_length());
      writer.text("\r\n");
    }
  } else if (!status_forbids_body(status)) {
    if (framing.content_length) {
      writer.text(head.content_length_name());
      writer.text(": ");
      writer.number(*framing.content_length);
      writer.text("\r\n");
    } else if (framing.chunked && !framing.head_request) {
      writer.text("Transfer-Encoding: chunked\r\n");
    }
  }
  if (!framing.keep_alive) {
    writer.text("Connection: close\r\n");
  } else if (!framing.http11) {
    writer.text("Connection: keep-alive\r\n");
  }
  for (const std::string_view fields : own_fields) writer.text(fields);
  if (!head.has_date()) writer.text(date_line);
  writer.text("\r\n");
}

void append_interim(std::string& out, int status, std::string_view fields) {
  Writer writer(out, kMostOfHead + fields.size());
  writer.status_line(status);
  writer.text(fields);
  writer.text("\r\n");
}

void append_chunk_size(std::string& out, std::uint64_t size) {
  std::array<char, 18> text;
  char* end = std::to_chars(text.data(), text.data() + 16, size, 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  out.append(text.data(), end);
}

void append_chunk(std::string& out, std::string_view bytes) {
  if (bytes.empty()) return;
  append_chunk_size(out, bytes.size());
  out.append(bytes).append(kChunkEnd);
}

void append_last_chunk(std::string& out, std::string_view trailers) {
  out.append("0\r\n").append(trailers).append("\r\n");
}

void append_simple_response(std::string& out, int status, std::string_view sentence, bool close,
                            std::string_view date_line, std::string_view extra_fields,
                            bool head_request) {
  const std::string_view phrase = reason_phrase(status);
  const std::size_t length = 4 + phrase.size() + 1 + (sentence.empty() ? 0 : sentence.size() + 1);
  Writer writer(out, kMostOfHead + 64 + extra_fields.size() + date_line.size() + length);
  writer.status_line(status);
  writer.text("Content-Type: text/plain; charset=utf-8\r\nContent-Length: ");
  writer.number(length);
  writer.text("\r\n");
  writer.text(extra_fields);
  if (close) writer.text("Connection: close\r\n");
  writer.text(date_line);
  writer.text("\r\n");
  if (head_request) return;
  writer.number(static_cast<std::uint64_t>(status));
  writer.text(" ");
  writer.text(phrase);
  writer.text("\n");
  if (!sentence.empty()) {
    writer.text(sentence);
    writer.text("\n");
  }
}

// --- dates -------------------------------------------------------------------------------------

namespace {

constexpr std::int64_t kSecondsADay = 86400;
constexpr std::int64_t kLastSecond = 253402300799;  // 9999-12-31T23:59:59Z

struct Day {
  int year, month, day;  // month from 1
};

// The proleptic Gregorian date, counted in years that begin in March, so that the leap day is the
// last day of a year and months follow the pattern 153 days in 5.
Day day_of(std::int64_t days_since_epoch) {
  constexpr int kDaysIn400Years = 146097;
  const std::int64_t since = days_since_epoch + 719468;  // since 0000-03-01
  const auto era = static_cast<int>(since / kDaysIn400Years);
  const auto in_era = static_cast<int>(since % kDaysIn400Years);
  const int year_of_era =
      (in_era - in_era / 1460 + in_era / 36524 - in_era / (kDaysIn400Years - 1)) / 365;
  const int in_year = in_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int march_month = (5 * in_year + 2) / 153;
  const int month = march_month < 10 ? march_month + 3 : march_month - 9;
  return {era * 400 + year_of_era + (month <= 2 ? 1 : 0), month,
          in_year - (153 * march_month + 2) / 5 + 1};
}

char* two_digits(char* at, int value) {
  *at++ = static_cast<char>('0' + value / 10);
  *at++ = static_cast<char>('0' + value % 10);
  return at;
}

}  // namespace

std::string_view DateCache::line(std::int64_t unix_seconds) {
  if (unix_seconds < 0) unix_seconds = 0;
  if (unix_seconds > kLastSecond) unix_seconds = kLastSecond;
  constexpr std::size_t kLength = 37;
  if (unix_seconds == second_) return {text_, kLength};
  second_ = unix_seconds;
  const std::int64_t days = unix_seconds / kSecondsADay;
  const auto in_day = static_cast<int>(unix_seconds % kSecondsADay);
  const Day date = day_of(days);
  char* at = text_;
  const auto put = [&at](const char* text, std::size_t size) {
    std::memcpy(at, text, size);
    at += size;
  };
  put("Date: ", 6);
  put(&"ThuFriSatSunMonTueWed"[days % 7 * 3], 3);  // the epoch was a Thursday
  put(", ", 2);
  at = two_digits(at, date.day);
  *at++ = ' ';
  put(&"JanFebMarAprMayJunJulAugSepOctNovDec"[(date.month - 1) * 3], 3);
  *at++ = ' ';
  at = two_digits(at, date.year / 100);
  at = two_digits(at, date.year % 100);
  *at++ = ' ';
  at = two_digits(at, in_day / 3600);
  *at++ = ':';
  at = two_digits(at, in_day / 60 % 60);
  *at++ = ':';
  at = two_digits(at, in_day % 60);
  put(" GMT\r\n", 6);
  return {text_, kLength};
}

}  // namespace duet::http
