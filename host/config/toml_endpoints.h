// What of duet.toml says where the host posts something: webhooks, and [server.otlp].
#pragma once

#include "host/config/config.h"
#include "host/config/table_reader.h"

namespace duet::config {

// `webhook` and `webhook_secret` of [[experiment]].
void read_webhook(const ReaderContext& context, TableReader& table, Experiment& experiment);

// [server.otlp].
void read_otlp(const ReaderContext& context, const TomlEntry& entry, ServerConfig& server);

}  // namespace duet::config
