#include "host/cli/stats_lines.h"

#include <gtest/gtest.h>

#include <string>

namespace duet::cli {
namespace {

TEST(StatsLines, EveryFunctionAnswersUnderTheKeyOfItsResult) {
  EXPECT_EQ(answer_stats_line(R"({"counts":[1,0],"fn":"log_e_multi","weights":[3,7],"c":9})"),
            R"({"log_e_multi":0,"log_e":0})");
  const struct {
    const char* line;
    const char* begins;
  } kCases[] = {
      // ln(3/2): (1/2)(3/2) / (1*2) over 1/4
      {R"({"fn":"log_e","k":0,"n":2,"theta":0.5,"c":1})", R"({"log_e":0.4054651081081)"},
      {R"({"fn":"concentration","t_opt":302,"alpha":0.001})", R"({"concentration":17.29063124968)"},
      {R"({"fn":"uniform_radius","t":159,"alpha":0.01})", R"({"uniform_radius":0.2275553425)"},
      {R"({"fn":"mean_halfwidth","n":138026,"se":0.06210792,"alpha":0.01,"n_star":5000})",
       R"({"mean_halfwidth":0.240733663)"},
      {R"({"fn":"quantile_log_e","a":[9,0],"b":[0,9],"p":0.5,"c":10})", R"({"quantile_log_e":1.)"},
  };
  for (const auto& [line, begins] : kCases) {
    EXPECT_TRUE(answer_stats_line(line).starts_with(begins)) << answer_stats_line(line);
  }
}

TEST(StatsLines, WhatIsWrongIsNamed) {
  const struct {
    const char* line;
    const char* error;
  } kCases[] = {
      {"", "not JSON"},
      {"{\"fn\":", "not JSON: parse error at line 1, column 7"},
      {"\xff\xfe", "not JSON"},
      {"[1]", "not a JSON object"},
      {"{}", "'fn' is missing (there is log_e, "},
      {R"({"fn":1})", "fn must be a text"},
      {R"({"fn":"loge"})", "unknown fn 'loge' (did you mean 'log_e'?)"},
      {R"({"fn":"bayes"})", "unknown fn 'bayes' (there is log_e, log_e_multi, "},
      {R"({"fn":"log_e","k":1,"n":2,"theta":0.5})", "log_e: the argument 'c' is missing"},
      {R"({"fn":"log_e","k":1,"n":2,"theta":0.5,"c":1,"thetta":1})",
       "log_e: unknown argument 'thetta' (did you mean 'theta'?)"},
      {R"({"fn":"log_e","k":3,"n":2,"theta":0.5,"c":1})", "log_e: k is above n"},
      {R"({"fn":"log_e","k":-1,"n":2,"theta":0.5,"c":1})", "log_e: k must be a whole number"},
      {R"({"fn":"log_e","k":1,"n":1.5,"theta":0.5,"c":1})", "log_e: n must be a whole number"},
      {R"({"fn":"log_e","k":1,"n":2,"theta":1,"c":1})", "log_e: theta must be a number between"},
      {R"({"fn":"log_e","k":1,"n":2,"theta":0.5,"c":0})", "log_e: c must be a number above 0"},
      {R"({"fn":"log_e","k":"1","n":2,"theta":0.5,"c":1})", "log_e: k must be a whole number"},
      {R"({"fn":"log_e","k":true,"n":2,"theta":0.5,"c":1})", "log_e: k must be a whole number"},
      {R"({"fn":"log_e","k":[1],"n":2,"theta":0.5,"c":1})", "log_e: k must be a whole number"},
      {R"({"fn":"log_e","k":1,"n":1e999,"theta":0.5,"c":1})", "not JSON: number overflow"},
      {R"({"fn":"log_e_multi","counts":[1,2],"weights":[1],"c":1})", "differ in length"},
      {R"({"fn":"log_e_multi","counts":[1],"weights":[1],"c":1})", "fewer than two arms"},
      {R"({"fn":"log_e_multi","counts":[1,2],"weights":[1,0],"c":1})", "weights must be a list"},
      {R"({"fn":"log_e_multi","counts":2,"weights":[1,1],"c":1})", "counts must be a list"},
      {R"({"fn":"quantile_log_e","a":[],"b":[],"p":0.5,"c":1})", "there are no buckets"},
      {R"({"fn":"uniform_radius","t":0,"alpha":0.05})", "t must be a number, 1 or above"},
      {R"({"fn":"mean_halfwidth","n":1,"se":-1,"alpha":0.05,"n_star":1})", "se must be"},
  };
  for (const auto& [line, error] : kCases) {
    const std::string answer = answer_stats_line(line);
    EXPECT_TRUE(answer.starts_with("{\"error\":\"")) << line << " -> " << answer;
    EXPECT_NE(answer.find(error), std::string::npos) << line << " -> " << answer;
    EXPECT_EQ(answer.find('\n'), std::string::npos) << answer;
  }
}

TEST(StatsLines, AHostileLineIsAnError) {
  EXPECT_TRUE(answer_stats_line(std::string(200000, '[')).starts_with("{\"error\""));
  const std::string answer = answer_stats_line("{\"fn\":\"" + std::string(100000, 'x') + "\"}");
  EXPECT_LT(answer.size(), 400u);
  EXPECT_TRUE(answer_stats_line(R"({"fn":"\u001b[31m\u0000"})").find('\x1b') == std::string::npos);
}

}  // namespace
}  // namespace duet::cli
