// Where two answers differ, field by field. Pure; any thread.
//
// A field is "status", "header:name" (lower case), "body" (bytes that are no JSON), or the path of
// a value in a JSON body: "$.items[].price". All elements of an array share one path, so that the
// number of fields does not grow with the data; its length is "$.items.length". Numbers are
// compared by value, objects without regard to the order of their members.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace duet::experiment {

struct Answer {
  int status = 0;
  std::string_view fields;  // "Name: value\r\n" each, as the handler gave them
  std::string_view body;
  bool broken_off = false;  // the body ends too early
};

struct Difference {
  std::string field;
  std::string first, second;  // the values, shortened; "(absent)" where there is none
};

// What is not compared: "$.path" or "header:name" or "body", each with all that lies below it.
// Checked by whoever made them.
class IgnoreRules {
 public:
  IgnoreRules() = default;
  explicit IgnoreRules(const std::vector<std::string>& rules);
  bool covers(std::string_view field) const;

 private:
  std::vector<std::string> rules_;
};

// In order of the fields, each once (the first difference of an array's elements stands for all).
// Answers of different statuses differ in nothing else that says anything: "status" alone. At most
// kMostDifferences.
inline constexpr std::size_t kMostDifferences = 200;
std::vector<Difference> differences(const Answer& first, const Answer& second,
                                    const IgnoreRules& rules);

}  // namespace duet::experiment
