#include "host/experiment/request_key.h"

#include <algorithm>

namespace duet::experiment {

namespace {

// As clients write it, which is compared at once; else letter by letter.
bool is_cookie(std::string_view name) {
  constexpr std::string_view kUsual = "Cookie";
  return name.size() == kUsual.size() &&
         (name == kUsual || http::equals_ignoring_case(name, kUsual));
}

// The value of `name` among "a=1SEPb=2", blanks around a pair left out.
std::string_view value_of(std::string_view pairs, std::string_view name, char separator) {
  while (true) {
    while (!pairs.empty() && pairs.front() == ' ') pairs.remove_prefix(1);
    if (pairs.size() > name.size() && pairs[name.size()] == '=' && pairs.starts_with(name)) {
      pairs.remove_prefix(name.size() + 1);
      std::string_view value = pairs.substr(0, pairs.find(separator));
      while (!value.empty() && value.back() == ' ') value.remove_suffix(1);
      return value;
    }
    const std::size_t end = pairs.find(separator);
    if (end == pairs.npos) return {};
    pairs.remove_prefix(end + 1);
  }
}

}  // namespace

std::string_view cookie_of(const http::RequestHead& head, std::string_view name) {
  for (std::size_t i = 0; i < head.field_count(); ++i) {
    const http::Field field = head.field(i);
    if (!is_cookie(field.name)) continue;
    const std::string_view value = value_of(field.value, name, ';');
    if (!value.empty()) return value;
  }
  return {};
}

std::string_view parameter_of(std::string_view query, std::string_view name) {
  return value_of(query, name, '&');
}

}  // namespace duet::experiment
