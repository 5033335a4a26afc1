// A small terminal: what a person sees after a program has written these bytes to it.
//
// It knows what duet writes: UTF-8 of one column a character, \r and \n, moving up (ESC [ n A),
// clearing to the end of the line and of the screen (ESC [ K, ESC [ J), colours (ESC [ ... m).
#pragma once

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace duet::testing_support {

class Screen {
 public:
  explicit Screen(std::size_t columns) : columns_(columns) {}

  void write(std::string_view bytes) {
    for (std::size_t i = 0; i < bytes.size();) {
      const char c = bytes[i++];
      if (c == '\r') {
        column_ = 0;
      } else if (c == '\n') {
        ++row_;
      } else if (c == '\x1b' && i < bytes.size() && bytes[i] == '[') {
        std::string number;
        for (++i; i < bytes.size() && bytes[i] >= '0' && bytes[i] <= ';'; ++i) number += bytes[i];
        if (i < bytes.size()) control(bytes[i++], std::atoi(number.c_str()));
      } else {
        std::string character(1, c);
        while (i < bytes.size() && (static_cast<unsigned char>(bytes[i]) & 0xc0) == 0x80) {
          character += bytes[i++];
        }
        put(character);
      }
    }
  }

  // Without what is blank at the end of lines and of the screen.
  std::string text() const {
    std::string all;
    for (const auto& line : lines_) {
      std::string text;
      for (const std::string& character : line) text += character.empty() ? " " : character;
      all += text.substr(0, text.find_last_not_of(' ') + 1) + "\n";
    }
    return all.substr(0, all.find_last_not_of('\n') + 1);
  }
  bool wrapped() const { return wrapped_; }  // some line was longer than the terminal is wide
  bool colored() const { return colored_; }
  bool strange() const { return strange_; }  // a sequence that it does not know

 private:
  std::vector<std::string>& line() {
    if (lines_.size() <= row_) lines_.resize(row_ + 1);
    return lines_[row_];
  }

  void put(const std::string& character) {
    if (column_ == columns_) {
      wrapped_ = true;
      column_ = 0;
      ++row_;
    }
    if (line().size() <= column_) line().resize(column_ + 1);
    line()[column_++] = character;
  }

  void control(char what, int number) {
    if (what == 'A') {
      const auto up = static_cast<std::size_t>(number);
      row_ = row_ > up ? row_ - up : 0;
    } else if (what == 'K' || what == 'J') {
      if (line().size() > column_) line().resize(column_);
      if (what == 'J') lines_.resize(row_ + 1);
    } else if (what == 'm') {
      colored_ = true;
    } else {
      strange_ = true;
    }
  }

  const std::size_t columns_;
  std::vector<std::vector<std::string>> lines_;
  std::size_t row_ = 0, column_ = 0;
  bool wrapped_ = false, colored_ = false, strange_ = false;
};

}  // namespace duet::testing_support
