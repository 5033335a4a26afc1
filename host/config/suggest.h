// "Did you mean": the known word that is nearest to what somebody wrote.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace duet::config {

// Edits (insert, delete, replace a byte, swap two neighbours) from `a` to `b`.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The candidate that `word` was probably meant to be: nearest, without regard to case or to '-'
// for '_', and at most a third of its letters (at least one) away. Empty when none is that near.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);
std::string_view nearest(std::string_view word, const std::vector<std::string>& candidates);

// "did you mean 'address'?" for the nearest, else "" .
std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates);

// "a", "a or b", "a, b or c".
std::string one_of(std::span<const std::string_view> words);

}  // namespace duet::config
