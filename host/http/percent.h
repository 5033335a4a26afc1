// Percent-encoding (RFC 3986) and queries. Pure.
#pragma once

#include <string>
#include <string_view>

namespace duet::http {

// Appends `text` with each %XX replaced by its byte. A '%' that two hexadecimal digits do not
// follow stays as it is: nothing is refused here. The result may hold any byte, also NUL and
// malformed UTF-8. With `plus_is_space`, '+' becomes a space (queries of forms).
void append_percent_decoded(std::string& out, std::string_view text, bool plus_is_space = false);

// Whether every '%' is followed by two hexadecimal digits.
bool well_formed_percent(std::string_view text);

// The name=value pairs of a query, in order, as application/x-www-form-urlencoded has them.
//   for (QueryReader query(head.query()); query.next();) use(query.name(), query.value());
class QueryReader {
 public:
  explicit QueryReader(std::string_view query) : rest_(query) {}
  // Moves to the next pair, skipping empty ones ("a=1&&b=2"). False at the end.
  bool next();
  // Decoded; valid until next(). A pair without '=' has an empty value.
  const std::string& name() const { return name_; }
  const std::string& value() const { return value_; }

 private:
  std::string_view rest_;
  std::string name_, value_;
};

}  // namespace duet::http
