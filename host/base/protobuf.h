// Protocol Buffers' wire format, as far as it is written here: appends fields to a string. Fields
// with their type's default are written as well. Pure; any thread.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

namespace duet::protobuf {

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}  // which outlives it

  void varint(unsigned field, std::uint64_t value) {  // int32, int64, uint32, uint64, bool, enum
    tag(field, 0);
    raw(value);
  }
  void zigzag(unsigned field, std::int64_t value) {
    varint(field, zigzagged(value));
  }  // sint32, 64
  void fixed64(unsigned field, std::uint64_t value) {
    tag(field, 1);
    little_endian(value, 8);
  }
  void fixed32(unsigned field, std::uint32_t value) {
    tag(field, 5);
    little_endian(value, 4);
  }
  void real(unsigned field, double value) { fixed64(field, std::bit_cast<std::uint64_t>(value)); }
  void bytes(unsigned field, std::string_view value) {  // string, bytes
    tag(field, 2);
    raw(value.size());
    out_ += value;
  }
  // What `fill()` writes, as one message, or as one packed field of values by packed().
  template <class Fill>
  void message(unsigned field, Fill fill) {
    tag(field, 2);
    const std::size_t begin = out_.size();
    fill();
    std::string length;
    Writer(length).raw(out_.size() - begin);
    out_.insert(begin, length);
  }
  void packed(std::int64_t value) { raw(zigzagged(value)); }
  // A message that stands alone behind its length.
  void delimited(std::string_view message) {
    raw(message.size());
    out_ += message;
  }

 private:
  static std::uint64_t zigzagged(std::int64_t value) {
    return static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63);
  }
  void tag(unsigned field, unsigned type) { raw(field << 3 | type); }
  void raw(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) out_ += static_cast<char>(value | 0x80);
    out_ += static_cast<char>(value);
  }
  void little_endian(std::uint64_t value, int size) {
    for (int i = 0; i < size; ++i) out_ += static_cast<char>(value >> (8 * i));
  }

  std::string& out_;
};

}  // namespace duet::protobuf
