#include "host/base/wrap.h"

#include <algorithm>

namespace duet {

std::size_t width_of(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\x1b') {
      at = std::min(text.find('m', at), text.size());
    } else if ((static_cast<unsigned char>(text[at]) & 0xc0) != 0x80) {
      ++width;
    }
  }
  return width;
}

std::string wrap(std::string_view line, std::size_t columns, std::size_t indent) {
  std::string out;
  std::size_t width = 0;
  for (std::size_t at = 0; at < line.size();) {
    const std::size_t begin = std::min(line.find_first_not_of(' ', at), line.size());
    const std::size_t end = std::min(line.find(' ', begin), line.size());
    const std::string_view word = line.substr(begin, end - begin);
    if (word.empty()) break;  // spaces at the end
    std::size_t gap = begin - at;
    if (at > 0 && width + gap + width_of(word) > columns) {
      out += '\n';
      width = 0;
      gap = indent;
    }
    out.append(gap, ' ').append(word);
    width += gap + width_of(word);
    at = end;
  }
  return out;
}

std::string fit(std::string_view text, std::size_t columns) {
  if (columns == 0) return std::string(text);
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    const std::size_t begin = std::min(line.find_first_not_of(' '), line.size());
    const bool row = line.find("  ", begin) != std::string_view::npos;
    out += row || width_of(line) <= columns ? std::string(line) : wrap(line, columns, begin + 2);
    if (end < text.size()) out += '\n';
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

}  // namespace duet
