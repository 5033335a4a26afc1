// Recordings as JSON: a HAR (HTTP Archive 1.2), as browsers save it, and an object a line:
//   {"method":"POST","path":"/orders","headers":{"Accept":"*/*"},"json":{"id":7},"at":0.25}
#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "host/base/escape.h"
#include "host/bench/recording_builder.h"

namespace duet::bench {

namespace {

using Json = nlohmann::json;

// Why an entry cannot be read; thrown and caught in this file only.
struct Unusable {
  std::string why;
};

const Json& member(const Json& object, const char* key) {
  static const Json nothing;
  const auto found = object.is_object() ? object.find(key) : object.end();
  return !object.is_object() || found == object.end() ? nothing : *found;
}

std::string text_of(const Json& object, const char* key, const char* otherwise = nullptr) {
  const Json& value = member(object, key);
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null() && otherwise != nullptr) return otherwise;
  throw Unusable{std::string("its ") + key + (value.is_null() ? " is missing" : " is no string")};
}

// Appends the path of an absolute URL or of a path, and gives the URL's authority.
std::string split_url(const std::string& url, std::string& path) {
  std::string_view rest = url;
  rest = rest.substr(0, rest.find('#'));
  std::string authority;
  if (const std::size_t scheme = rest.find("://");
      scheme != std::string_view::npos && scheme < rest.find('/')) {
    if (!rest.starts_with("http")) throw Unusable{"its url is not of HTTP"};
    rest.remove_prefix(scheme + 3);
    authority = rest.substr(0, rest.find_first_of("/?"));
    rest.remove_prefix(authority.size());
  }
  path = rest.empty() || rest[0] == '?' ? "/" + std::string(rest) : std::string(rest);
  return authority;
}

void add_field(RequestSpec& spec, const std::string& name, const Json& value) {
  if (!value.is_string()) throw Unusable{"its header " + name + " is no string"};
  if (is_repeatable_field(name)) spec.fields.emplace_back(name, value.get<std::string>());
}

bool has_content_type(const RequestSpec& spec) {
  for (const auto& [name, value] : spec.fields) {
    if (name == "Content-Type" || name == "content-type") return true;
  }
  return false;
}

// --- JSON lines

std::string file_of(const std::string& name, const std::string& directory) {
  const std::string path =
      name.starts_with('/') || directory.empty() ? name : directory + "/" + name;
  std::ifstream file(path, std::ios::binary);
  std::string content{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file) throw Unusable{"its body_file " + printable(path) + " cannot be read"};
  return content;
}

std::optional<Nanos> time_of(const Json& at) {
  if (at.is_null()) return std::nullopt;
  if (at.is_string()) {
    if (const auto parsed = parse_iso_time(at.get_ref<const std::string&>())) return parsed;
  } else if (at.is_number() && std::abs(at.get<double>()) < 9e9) {
    return static_cast<Nanos>(at.get<double>() * 1e9);
  }
  throw Unusable{"its at is neither seconds nor a time like 2026-11-27T18:39:00Z"};
}

RequestSpec spec_of_line(const Json& line, const std::string& directory) {
  if (!line.is_object()) throw Unusable{"it is no JSON object"};
  // Others are let be: a log has more in its lines than requests. But a line of nothing else is not
  // one, or has a key that is misspelt.
  constexpr const char* kKeys[] = {"path", "url",  "method",    "headers",
                                   "body", "json", "body_file", "at"};
  const auto has = [&line](const char* key) { return line.contains(key); };
  if (!line.empty() && std::none_of(std::begin(kKeys), std::end(kKeys), has)) {
    throw Unusable{"it has neither path nor any other key of a request"};
  }
  RequestSpec spec;
  spec.path.clear();
  const char* const target = line.contains("url") ? "url" : "path";
  if (line.contains(target)) split_url(text_of(line, target), spec.path);
  const Json& headers = member(line, "headers");
  if (!headers.is_null() && !headers.is_object()) throw Unusable{"its headers are no object"};
  for (const auto& [name, value] : headers.items()) {
    for (const Json& one : value.is_array() ? value : Json::array({value})) {
      add_field(spec, name, one);
    }
  }
  const bool has_json = line.contains("json");
  if (has_json) {
    spec.body = line["json"].dump();
    if (!has_content_type(spec)) spec.fields.emplace_back("Content-Type", "application/json");
  } else if (line.contains("body_file")) {
    spec.body = file_of(text_of(line, "body_file"), directory);
  } else {
    spec.body = text_of(line, "body", "");
  }
  const bool has_body = has_json || line.contains("body_file") || !spec.body.empty();
  spec.method = text_of(line, "method", has_body ? "POST" : "GET");
  return spec;
}

// --- HAR

RequestSpec spec_of_entry(const Json& request, std::string& authority) {
  RequestSpec spec;
  spec.method = text_of(request, "method");
  authority = split_url(text_of(request, "url"), spec.path);
  for (const Json& field : member(request, "headers")) {
    add_field(spec, text_of(field, "name"), member(field, "value"));
  }
  const Json& data = member(request, "postData");
  if (!data.is_null()) {
    spec.body = text_of(data, "text", "");
    if (spec.body.empty() && !member(data, "params").empty()) {
      throw Unusable{"its body is given as params alone, without the text that was sent"};
    }
  }
  return spec;
}

}  // namespace

void read_json_lines(std::string_view text, const std::string& directory,
                     RecordingBuilder& builder) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const std::string place = "line " + std::to_string(number);
    const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    try {
      if (json.is_discarded()) throw Unusable{"it is no JSON"};
      builder.add(spec_of_line(json, directory), time_of(member(json, "at")), place);
    } catch (const Unusable& unusable) {
      builder.leave_out(place, unusable.why);
    } catch (const Json::exception&) {  // a string that is no UTF-8, to be written into a body
      builder.leave_out(place, "it has a string that is no UTF-8");
    }
  }
}

Result<void> read_har(std::string_view text, RecordingBuilder& builder) {
  const Json har = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  const Json& entries = member(member(har, "log"), "entries");
  if (har.is_discarded() || !entries.is_array()) {
    return Error{
        har.is_discarded() ? "it is no JSON" : "it is no HAR: log.entries is missing", {}, {}, {}};
  }
  std::string host;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::string place = "entry " + std::to_string(i + 1);
    try {
      std::string authority;
      RequestSpec spec = spec_of_entry(member(entries[i], "request"), authority);
      if (host.empty()) host = authority;
      if (authority != host) {
        throw Unusable{"it went to " + printable(authority) + ", not to " + printable(host)};
      }
      const auto at = parse_iso_time(text_of(entries[i], "startedDateTime", ""));
      builder.add(std::move(spec), at, place);
    } catch (const Unusable& unusable) {
      builder.leave_out(place, unusable.why);
    }
  }
  return {};
}

}  // namespace duet::bench
