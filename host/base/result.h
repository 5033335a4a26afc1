// Result<T>: a value or an Error, for everything that can go wrong without being a bug.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace duet {

// What a person needs to act: what happened, where, and what to do about it.
struct Error {
  std::string message;  // what happened and why; one line, no trailing full stop
  std::string where;    // "file:line:column", a handler's or a route's name; may be empty
  std::string hint;     // what to do about it; may be empty
  std::string detail;   // several lines (a stack); may be empty

  // "where: message (hint)", without the detail.
  std::string to_string() const {
    std::string text = where.empty() ? message : where + ": " + message;
    if (!hint.empty()) text += " (" + hint + ")";
    return text;
  }
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T& operator*() { return value(); }
  const T& operator*() const { return value(); }

  const Error& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const& { return *error_; }
  Error&& error() && { return *std::move(error_); }

 private:
  std::optional<Error> error_;
};

}  // namespace duet
