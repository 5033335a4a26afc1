#include "host/bench/pinning.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

namespace duet::bench {

namespace {

constexpr const char* kForm = "--pin=0/1, --pin=0-2,4/3, or --pin alone for the first two";

Error no_pinning(std::string_view text, const std::string& message) {
  return {"--pin '" + std::string(text) + "': " + message, {}, kForm, {}};
}

bool contains(const Processors& processors, int one) {
  return std::find(processors.begin(), processors.end(), one) != processors.end();
}

// A number from the front of `text`; below 0: there is none.
int take_number(std::string_view& text) {
  int value = -1;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || text.starts_with('-')) return -1;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

// "0-2,4"; empty: it is no such list.
Processors parse_list(std::string_view text) {
  Processors found;
  for (;;) {
    const int first = take_number(text);
    int last = first;
    if (text.starts_with('-')) {
      text.remove_prefix(1);
      last = take_number(text);
    }
    if (first < 0 || last < first || last >= CPU_SETSIZE) return {};
    for (int one = first; one <= last; ++one) found.push_back(one);
    if (text.empty()) break;
    if (!text.starts_with(',')) return {};
    text.remove_prefix(1);
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

}  // namespace

Processors usable_processors() {
  Processors found;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return found;
  for (int one = 0; one < CPU_SETSIZE; ++one) {
    if (CPU_ISSET(one, &set)) found.push_back(one);
  }
  return found;
}

Result<Pinning> parse_pinning(std::string_view text, const Processors& usable) {
  if (text.empty()) {
    if (usable.size() >= 2) return Pinning{{usable[0]}, {usable[1]}};
    return no_pinning(text, "it takes two processors, and one may be used");
  }
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return no_pinning(text, "there is no /");
  Pinning pinning{parse_list(text.substr(0, slash)), parse_list(text.substr(slash + 1))};
  if (pinning.servers.empty() || pinning.generator.empty()) {
    return no_pinning(text, "these are no processors");
  }
  for (const Processors* list : {&pinning.servers, &pinning.generator}) {
    for (const int one : *list) {
      if (contains(usable, one)) continue;
      return no_pinning(text, "processor " + std::to_string(one) + " may not be used, " +
                                  to_string(usable) + " may");
    }
  }
  for (const int one : pinning.generator) {
    if (!contains(pinning.servers, one)) continue;
    return no_pinning(
        text, "the generator would share processor " + std::to_string(one) + " with the servers");
  }
  return pinning;
}

std::string to_string(const Processors& processors) {
  std::string text;
  for (std::size_t i = 0, end; i < processors.size(); i = end) {
    end = i + 1;
    while (end < processors.size() && processors[end] == processors[end - 1] + 1) ++end;
    text += (text.empty() ? "" : ",") + std::to_string(processors[i]);
    if (end - i > 1) text += (end - i == 2 ? "," : "-") + std::to_string(processors[end - 1]);
  }
  return text;
}

int stay_on(const Processors& processors) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int one : processors) CPU_SET(one, &set);
  return sched_setaffinity(0, sizeof set, &set) == 0 ? 0 : errno;
}

}  // namespace duet::bench
