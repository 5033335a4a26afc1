// Words that people bring from other servers, for suggestions; and the methods there are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "host/config/table_reader.h"

namespace duet::config {

inline constexpr std::uint64_t kMebi = 1024 * 1024;
// A name is a label of every metric, and a header's value.
inline constexpr std::size_t kLongestName = 64;

// Words of nginx, uvicorn, FastAPI, Express, ... for ours.
inline constexpr Synonym kRootWords[] = {
    {"route", "routes"},   {"handler", "handlers"},         {"http", "server"},
    {"servers", "server"}, {"location", "routes"},          {"listen", "server.listen"},
    {"logging", "log"},    {"timeouts", "server.timeouts"}, {"limits", "server.limits"}};
inline constexpr Synonym kServerWords[] = {
    {"port", "listen"},     {"host", "listen"}, {"bind", "listen"},      {"address", "listen"},
    {"addr", "listen"},     {"debug", "dev"},   {"timeout", "deadline"}, {"metrics", "admin"},
    {"dotenv", "env_file"}, {"reload", "dev"},  {"database", "store"},   {"db", "store"}};
inline constexpr Synonym kLimitWords[] = {{"client_max_body_size", "body"},
                                          {"body_limit", "body"},
                                          {"headers", "head"},
                                          {"url", "target"},
                                          {"pipelining", "pipelined"}};
inline constexpr Synonym kTimeoutWords[] = {{"keepalive", "keep_alive"}, {"grace", "shutdown"},
                                            {"header", "head"},          {"write", "send"},
                                            {"graceful", "shutdown"},    {"idle", "keep_alive"}};
inline constexpr Synonym kWebSocketWords[] = {{"max_message", "message"},
                                              {"max_size", "message"},
                                              {"max_payload", "message"},
                                              {"ping_interval", "ping"},
                                              {"idle", "ping"},
                                              {"idle_timeout", "ping"},
                                              {"deflate", "compression"},
                                              {"permessage_deflate", "compression"},
                                              {"backpressure", "buffered"}};
inline constexpr Synonym kOtlpWords[] = {
    {"url", "endpoint"}, {"address", "endpoint"},     {"ratio", "sample"},   {"sampling", "sample"},
    {"name", "service"}, {"service_name", "service"}, {"header", "headers"}, {"rate", "sample"}};
inline constexpr Synonym kHandlerWords[] = {
    {"file", "source"},           {"path", "source"},        {"script", "source"},
    {"module", "source"},         {"app", "source"},         {"entry", "source"},
    {"timeout", "deadline"},      {"environment", "env"},    {"vars", "env"},
    {"threaded", "blocking"},     {"cwd", "root"},           {"dir", "root"},
    {"runtime", "language"},      {"type", "language"},      {"max_body", "body_limit"},
    {"kind", "interface"},        {"protocol", "interface"}, {"mount", "root_path"},
    {"script_name", "root_path"}, {"prefix", "root_path"},   {"url", "source"},
    {"proxy_pass", "source"},     {"service", "upstream"}};
inline constexpr Synonym kUpstreamWords[] = {{"connect_timeout", "connect"},
                                             {"proxy_connect_timeout", "connect"},
                                             {"timeout", "connect"},
                                             {"read_timeout", "body"},
                                             {"proxy_read_timeout", "body"},
                                             {"idle", "keep_alive"},
                                             {"keepalive", "keep_alive"},
                                             {"keepalive_timeout", "keep_alive"},
                                             {"max_connections", "connections"}};
inline constexpr Synonym kShadowWords[] = {
    {"timeout", "deadline"},          {"max_concurrency", "concurrency"}, {"sample", "rate"},
    {"percentage", "rate"},           {"concurrent", "concurrency"},      {"exclude", "ignore"},
    {"max_concurrent", "concurrency"}};
inline constexpr Synonym kRouteWords[] = {
    {"pattern", "path"},   {"url", "path"},       {"location", "path"},
    {"route", "path"},     {"method", "methods"}, {"verb", "methods"},
    {"target", "handler"}, {"to", "handler"},     {"name", "handler"}};
inline constexpr Synonym kExperimentWords[] = {
    {"routes", "route"},         {"path", "route"},       {"app", "application"},
    {"handler", "application"},  {"variant", "variants"}, {"arms", "variants"},
    {"assignment", "key"},       {"unit", "key"},         {"seed", "salt"},
    {"starts", "start"},         {"from", "start"},       {"until", "end"},
    {"methods", "eligible"},     {"filter", "eligible"},  {"override", "allow_override"},
    {"guardrail", "guardrails"}, {"rollout", "ramp"},     {"steps", "ramp"},
    {"baseline", "control"},     {"hook", "webhook"},     {"notify", "webhook"},
    {"secret", "webhook_secret"}};
inline constexpr Synonym kVariantWords[] = {
    {"percentage", "weight"}, {"share", "weight"}, {"percent", "weight"}, {"source", "handler"}};
inline constexpr Synonym kCookieWords[] = {
    {"samesite", "same_site"}, {"httponly", "http_only"}, {"expires", "max_age"}};
inline constexpr Synonym kEligibleWords[] = {{"method", "methods"},
                                             {"headers", "header"},
                                             {"percent", "percentage"},
                                             {"share", "percentage"}};
inline constexpr Synonym kGuardrailWords[] = {{"error_rate", "errors"}, {"latency", "slower_than"},
                                              {"p", "quantile"},        {"percentile", "quantile"},
                                              {"lag", "loop_lag"},      {"action", "weight"}};
inline constexpr Synonym kRampWords[] = {{"stages", "steps"},
                                         {"every", "least_time"},
                                         {"interval", "least_time"},
                                         {"margin", "ratio_margin"}};
inline constexpr Synonym kLanguageWords[] = {{"js", "javascript"}, {"node", "javascript"},
                                             {"ts", "javascript"}, {"typescript", "javascript"},
                                             {"py", "python"},     {"python3", "python"},
                                             {"c++", "native"},    {"cpp", "native"},
                                             {"c", "native"},      {"so", "native"}};

// The methods that llhttp reads; any other one is answered 400 before routing.
inline constexpr std::string_view kMethods[] = {
    "GET",       "HEAD",        "POST",       "PUT",        "DELETE", "PATCH",    "OPTIONS",
    "CONNECT",   "TRACE",       "QUERY",      "COPY",       "LOCK",   "MKCOL",    "MOVE",
    "PROPFIND",  "PROPPATCH",   "SEARCH",     "UNLOCK",     "BIND",   "REBIND",   "UNBIND",
    "ACL",       "REPORT",      "MKACTIVITY", "CHECKOUT",   "MERGE",  "M-SEARCH", "NOTIFY",
    "SUBSCRIBE", "UNSUBSCRIBE", "PURGE",      "MKCALENDAR", "LINK",   "UNLINK",   "SOURCE"};

}  // namespace duet::config
