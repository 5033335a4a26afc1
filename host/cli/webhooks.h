// Tells the webhooks of duet.toml what their experiments decide by themselves. Loop's thread only;
// what is posted leaves from threads of its own (host/outbox).
#pragma once

#include <map>
#include <memory>
#include <string>

#include "host/base/result.h"
#include "host/config/config.h"
#include "host/experiment/live.h"
#include "host/outbox/outbox.h"

namespace duet::cli {

class Webhooks {
 public:
  // When the variables of .env are set. Errors: one that is to hold a secret is not.
  static Result<std::unique_ptr<Webhooks>> create(const config::Config& config);

  // Nothing for an operator's own word, and for experiments without a webhook.
  void tell(experiment::Live& live, const experiment::Decision& decision);

 private:
  struct One {
    std::unique_ptr<outbox::Outbox> outbox;
    std::string secret;
  };
  std::map<std::string, One> all_;  // by experiment
};

// Where a letter goes, as duet.toml says. `name`: of the log's lines.
outbox::Options outbox_options(const config::Endpoint& endpoint, std::string name);

// The JSON that is posted. `at`: seconds since 1970.
std::string webhook_body(const experiment::LiveSnapshot& shot, const experiment::Decision& decision,
                         const std::string& id, double at);

}  // namespace duet::cli
