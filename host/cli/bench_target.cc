#include "host/cli/bench_target.h"

#include <utility>
#include <vector>

#include "host/bench/server_frames.h"
#include "host/cli/tls_module.h"

namespace duet::cli {

Result<bench::Target> bench_target(const bench::Plan& plan, const std::string& text) {
  auto url = bench::parse_url(text);
  if (!url) return std::move(url).error();
  auto address = resolve(*url);
  if (!address) return std::move(address).error();
  bench::Target target{*address, {}};
  if (url->tls) {
    auto client = open_tls(plan.tls);
    if (!client) return std::move(client).error();
    target.tls = std::move(*client);
    target.host = url->host;
  }
  if (plan.websocket) {
    auto handshake =
        bench::handshake_text(plan.path.value_or(url->path), plan.fields, url->authority);
    if (!handshake) return std::move(handshake).error();
    target.handshake = std::move(*handshake);
    for (const std::string& body : plan.bodies) {
      target.texts.push_back({bench::message_frame(body), false});
    }
    return target;
  }
  std::vector<bench::RequestSpec> specs;
  if (plan.recording) {
    specs = plan.recording->requests;
    for (auto& spec : specs) {
      if (spec.path.empty()) spec.path = url->path;
      spec.fields.insert(spec.fields.end(), plan.fields.begin(), plan.fields.end());
    }
  } else {
    for (const std::string& body : plan.bodies) {
      specs.push_back({plan.method, plan.path.value_or(url->path), plan.fields, body});
    }
  }
  for (const bench::RequestSpec& spec : specs) {
    auto bytes = bench::request_text(spec, url->authority, plan.generator.keep_alive);
    if (!bytes) return std::move(bytes).error();
    target.texts.push_back(std::move(*bytes));
  }
  return target;
}

}  // namespace duet::cli
