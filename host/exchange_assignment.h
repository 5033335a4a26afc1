// What an experiment decided about a request: which variant answers it, and what is told to whom.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace duet {

// Reused between requests. Views outlive every exchange.
struct Assignment {
  static constexpr std::uint32_t kNone = 0xffffffff;
  std::uint32_t experiment = kNone;  // number of the experiment; kNone: the request is in none
  std::uint64_t ticket = 0;          // of its evidence, when it is counted
  std::uint16_t variant = 0;         // index in the experiment
  bool counted = false;              // it is evidence; else it only got a variant
  std::string_view name;             // of the variant; null: none
  std::string_view field;            // "Duet-Variant: python\r\n", for the answer
  std::string set_cookie;            // "Set-Cookie: ...\r\n" for a new visitor, or empty
  // What it was assigned by, within the head, the client's address or set_cookie; empty: a fresh
  // random one, or none.
  std::string_view key;

  void clear() {
    if (experiment == kNone) return;
    experiment = kNone;
    ticket = 0;
    variant = 0;
    counted = false;
    name = field = key = {};
    set_cookie.clear();
  }
};

}  // namespace duet
