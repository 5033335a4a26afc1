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
  while (!pairs.empty()) {
    const std::size_t end = std::min(pairs.find(separator), pairs.size());
    std::string_view pair = pairs.substr(0, end);
    pairs.remove_prefix(std::min(end + 1, pairs.size()));
    while (!pair.empty() && pair.front() == ' ') pair.remove_prefix(1);
    if (!pair.starts_with(name) || pair.size() <= name.size() || pair[name.size()] != '=') continue;
    pair.remove_prefix(name.size() + 1);
    while (!pair.empty() && pair.back() == ' ') pair.remove_suffix(1);
    return pair;
  }
  return {};
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
