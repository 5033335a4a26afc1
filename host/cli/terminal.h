// How text may look on a stream.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace duet::cli {

// Whether `fd` is a terminal that wants colours: not with NO_COLOR (https://no-color.org) set, and
// not on TERM=dumb.
bool wants_color(int fd);

// How wide the terminal behind `fd` is now; 0: it is none, or does not say.
std::size_t terminal_columns(int fd);

// `text` with its sentences broken to the width of the terminal behind `fd`; as it is without one.
std::string fitted(std::string_view text, int fd);

}  // namespace duet::cli
