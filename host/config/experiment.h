// An experiment as configured: [[experiment]] of duet.toml, checked, with every default filled in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/base/clock.h"
#include "host/config/endpoint.h"

namespace duet::config {

// What a request is assigned by.
enum class KeySource : std::uint8_t { kCookie, kHeader, kQuery, kAddress, kRandom };

struct Variant {
  std::string name;           // unique in its experiment
  std::uint32_t handler = 0;  // index in Config::handlers
  double weight = 1;          // 0 or above; they need not add up to anything
  bool aa = false;            // the control once more
};

// Given to visitors without a key, when the key is a cookie.
struct VisitorCookie {
  enum class SameSite : std::uint8_t { kLax, kStrict, kNone };
  SameSite same_site = SameSite::kLax;
  bool secure = true;
  bool http_only = true;
  Nanos max_age = 365 * 24 * 3600 * kSecond;  // 0: until the browser closes
};

struct Guardrail {
  enum class Kind : std::uint8_t { kErrors, kSlowerThan, kQuantile, kCpu, kLoopLag };
  Kind kind = Kind::kErrors;
  Nanos limit = 0;    // kSlowerThan, kCpu, kLoopLag
  double p = 0.99;    // kQuantile
  double ratio = 1;   // acts when the rate of events is this many times the control's, or more
  double weight = 0;  // what the variant's weight becomes, as a share of all
};

struct Ramp {
  std::vector<double> steps;  // shares of each variant other than the control, 0..1, ascending
  Nanos least_time = 60 * kSecond;
  double ratio_margin = 0.5;
  double rate_margin = 0.01;
};

// Who is told of what the host decides by itself.
struct Webhook {
  Endpoint url;
  std::string secret_variable;  // of the environment; empty: nothing is signed
};

// Copies of the control's requests, for the other variants.
struct Shadow {
  double rate = 1;               // share of the requests that are copied
  Nanos deadline = 5 * kSecond;  // of a copy
  std::size_t concurrency = 4;   // copies at a time
  bool safe = false;             // requests may be carried out more than once, whatever the method
  std::vector<std::string> ignore;  // "$.path", "header:name" or "body": not compared
};

struct Experiment {
  std::string name;
  // Patterns of Config::routes, or with `application`: of that handler's own routes.
  std::vector<std::string> routes;
  std::vector<std::uint32_t> route_indices;  // in Config::routes; empty with `application`
  std::optional<std::uint32_t> application;  // index in Config::handlers
  std::vector<Variant> variants;             // two at least
  std::size_t control = 0;                   // index of variants

  KeySource key = KeySource::kRandom;
  std::string key_name;  // of the cookie, header or query parameter
  std::string salt;      // the name, unless given
  std::optional<VisitorCookie> cookie;
  std::optional<double> start, end;  // seconds since 1970
  std::vector<std::string> methods;  // eligible ones; empty: all
  std::string header, header_value;  // eligible: requests with it (value empty: any)
  double eligible = 1, holdout = 0;  // shares of the keys
  std::string override_header;       // by which a request asks for a variant; empty: none may

  double alpha = 0.05;
  std::vector<Guardrail> guardrails;
  Ramp ramp;
  std::optional<Webhook> webhook;
  std::optional<Shadow> shadow;
};

}  // namespace duet::config
