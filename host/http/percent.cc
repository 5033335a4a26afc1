#include "host/http/percent.h"

#include "host/http/characters.h"

namespace duet::http {

void append_percent_decoded(std::string& out, std::string_view text, bool plus_is_space) {
  std::size_t copied = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out.append(text, copied, i - copied).push_back(' ');
      copied = i + 1;
    } else if (text[i] == '%' && i + 2 < text.size()) {
      const int high = hex_value(text[i + 1]);
      const int low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) continue;
      out.append(text, copied, i - copied).push_back(static_cast<char>(high * 16 + low));
      i += 2;
      copied = i + 1;
    }
  }
  out.append(text, copied);
}

bool well_formed_percent(std::string_view text) {
  for (std::size_t i = text.find('%'); i != text.npos; i = text.find('%', i + 1)) {
    if (i + 2 >= text.size() || hex_value(text[i + 1]) < 0 || hex_value(text[i + 2]) < 0) {
      return false;
    }
  }
  return true;
}

bool QueryReader::next() {
  std::string_view pair;
  do {
    if (rest_.empty()) return false;
    const std::size_t end = rest_.find('&');
    pair = rest_.substr(0, end);
    rest_ = end == rest_.npos ? std::string_view{} : rest_.substr(end + 1);
  } while (pair.empty());
  const std::size_t equals = pair.find('=');
  name_.clear();
  value_.clear();
  append_percent_decoded(name_, pair.substr(0, equals), true);
  if (equals != pair.npos) append_percent_decoded(value_, pair.substr(equals + 1), true);
  return true;
}

}  // namespace duet::http
