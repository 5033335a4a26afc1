// How text may look on a stream.
#pragma once

#include <cstddef>

namespace duet::cli {

// Whether `fd` is a terminal that wants colours: not with NO_COLOR (https://no-color.org) set, and
// not on TERM=dumb.
bool wants_color(int fd);

// How wide the terminal behind `fd` is now; 0: it is none, or does not say.
std::size_t terminal_columns(int fd);

}  // namespace duet::cli
