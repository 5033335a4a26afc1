// What of duet.toml says where the host posts something: webhooks.
#pragma once

#include "host/config/config.h"
#include "host/config/table_reader.h"

namespace duet::config {

// `webhook` and `webhook_secret` of [[experiment]].
void read_webhook(const ReaderContext& context, TableReader& table, Experiment& experiment);

}  // namespace duet::config
