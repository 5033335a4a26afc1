// What an experiment decided about a request: which variant answers it, and what is told to whom.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace duet {

// Reused between requests. Views outlive every exchange. One line of the processor's cache, because
// a request that waits among many others finds each line that it touches in memory again.
struct alignas(64) Assignment {
  static constexpr std::uint32_t kNone = 0xffffffff;
  static constexpr std::string_view kFieldName = "Duet-Variant: ";

  std::uint32_t experiment = kNone;  // number of the experiment; kNone: the request is in none
  std::uint16_t variant = 0;         // index in the experiment
  bool counted = false;              // it is evidence; else it only got a variant
  std::uint64_t ticket = 0;          // of its evidence, when it is counted
  std::string_view field;            // "Duet-Variant: python\r\n", for the answer; null: in none
  // What it was assigned by, within the head, the client's address or set_cookie; empty: a fresh
  // random one, or none.
  std::string_view key;
  std::unique_ptr<std::string> set_cookie;  // "Set-Cookie: ...\r\n" for a new visitor, or null

  // Of the variant; null: the request is in no experiment.
  std::string_view name() const {
    if (field.empty()) return {};
    return field.substr(kFieldName.size(), field.size() - kFieldName.size() - 2);
  }
  std::string_view cookie_field() const {
    return set_cookie == nullptr ? std::string_view() : *set_cookie;
  }
  static std::string field_of(std::string_view name) {
    return std::string(kFieldName).append(name).append("\r\n");
  }

  void clear() {
    if (experiment == kNone) return;
    experiment = kNone;
    counted = false;
    field = key = {};
    set_cookie.reset();
  }
};
static_assert(sizeof(Assignment) == 64);

}  // namespace duet
