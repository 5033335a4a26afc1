// What a live experiment is to do, beyond the division and its judgement (spec.h): where keys come
// from, who may take part. Plain values, checked by whoever made them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/experiment/spec.h"
#include "host/measure/timeline.h"

namespace duet::experiment {

enum class KeySource : std::uint8_t { kCookie, kHeader, kQuery, kAddress, kRandom };

struct LiveSpec {
  struct OfVariant {
    std::string handler;  // its name
    measure::HandlerIndex handler_index = measure::kNoHandler;
    bool aa = false;
  };

  Spec spec;
  std::vector<OfVariant> variants;  // as spec.variants
  std::vector<std::string> routes;  // as people call them

  KeySource key = KeySource::kRandom;
  std::string key_name;
  // What follows "NAME=VALUE" in the cookie of a new visitor ("; Path=/; Secure"); nothing: none is
  // given, and who has no key gets the control.
  std::optional<std::string> cookie_attributes;

  std::vector<std::string> methods;  // that are eligible; empty: all
  std::string header, header_value;  // likewise; name empty: all requests, value empty: any
  std::string override_header;       // a request may ask for a variant by it; empty: none may
  std::optional<double> start, end;  // seconds since 1970

  // "cookie:visitor", "address", ...
  std::string key_text() const;
};

}  // namespace duet::experiment
