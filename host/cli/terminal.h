// How text may look on a stream.
#pragma once

namespace duet::cli {

// Whether `fd` is a terminal that wants colours: not with NO_COLOR (https://no-color.org) set, and
// not on TERM=dumb.
bool wants_color(int fd);

}  // namespace duet::cli
