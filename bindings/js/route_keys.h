// The routes inside JavaScript applications: from the keys that the scripts have of their texts to
// the host's numbers, which differ by handler and method.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/exchange.h"
#include "host/measure/ledger.h"

namespace duet::js {

// Loop's thread only.
class RouteKeys {
 public:
  // RuntimeContext::inner_route; may be empty, and then nothing is counted.
  using Numbers =
      std::function<std::uint32_t(measure::HandlerIndex, unsigned method, std::string_view route)>;
  void set_numbers(Numbers numbers) { numbers_ = std::move(numbers); }

  // The key of a text; the caller asks once for each, and bounds how many there are.
  std::uint32_t key(std::string text) {
    keys_.push_back({std::move(text), {}});
    return static_cast<std::uint32_t>(keys_.size() - 1);
  }

  void note(Exchange& exchange, std::uint32_t key) {
    if (!numbers_ || key >= keys_.size()) return;
    const measure::HandlerIndex handler = exchange.timeline().handler();
    const auto method = static_cast<unsigned>(exchange.head().method());
    Key& known = keys_[key];
    if (handler >= known.by_handler.size()) known.by_handler.resize(handler + 1u);
    std::uint32_t& number = known.by_handler[handler][method % kMethods];
    if (number == 0) number = numbers_(handler, method, known.text);
    exchange.set_inner_route(number);
  }

  // From now on the handler's requests are "(no route)" until one is noted.
  void count_unmatched(measure::HandlerIndex handler) {
    if (!numbers_) return;
    if (handler >= unmatched_.size()) unmatched_.resize(handler + 1u);
    unmatched_[handler] = numbers_(handler, 0, "(no route)");
  }
  // 0: the handler has no routes.
  std::uint32_t unmatched(measure::HandlerIndex handler) const {
    return handler < unmatched_.size() ? unmatched_[handler] : 0;
  }

 private:
  static constexpr std::size_t kMethods = 16;
  struct Key {
    std::string text;
    std::vector<std::array<std::uint32_t, kMethods>> by_handler;
  };

  Numbers numbers_;
  std::deque<Key> keys_;
  std::vector<std::uint32_t> unmatched_;  // by handler
};

}  // namespace duet::js
