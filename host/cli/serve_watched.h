// `duet serve --watch`: a host that starts again whenever its handlers' files change.
#pragma once

#include <string>
#include <vector>

#include "host/config/load.h"

namespace duet::cli {

// Runs `duet ARGUMENTS` as a child, with these standard streams, and starts it again after each
// change below the folders of `request`'s handlers and duet.toml, and of what is `named` besides. A
// host that fails waits for the next change; so do its clients, since its sockets are held here.
// SIGINT and SIGTERM are the child's, too, and end both.
// Returns the exit code: the child's last one. Before other threads are started.
int serve_watched(const std::vector<std::string>& arguments, const config::LoadRequest& request,
                  const std::vector<std::string>& named);

// Whether this is such a child. When a change ends it, its figures are nobody's concern.
bool is_watched();

}  // namespace duet::cli
