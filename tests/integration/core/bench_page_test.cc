// The page of a run: one file, the verdict first, with what a reader looks for.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "tests/integration/core/bench_process.h"

namespace duet {
namespace {

using testing_support::bench;
using testing_support::Finished;
using testing_support::TemporaryDirectory;

// The text that HTML stands for.
std::string plain(std::string html) {
  const std::pair<std::string_view, std::string_view> kEntities[] = {
      {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&#39;", "'"}, {"&amp;", "&"}};
  for (const auto& [entity, character] : kEntities) {
    for (std::size_t at = 0; (at = html.find(entity, at)) != std::string::npos; ++at) {
      html.replace(at, entity.size(), character);
    }
  }
  return html;
}

class BenchPage : public ::testing::Test {
 protected:
  std::string page_of(std::vector<std::string> words, std::string* text = nullptr) {
    const std::string file = directory_.path() + "/page.html";
    words.insert(words.end(), {"--html", file, "--duration", "1500ms", "--warmup", "0", "--block",
                               "20ms", "--connections", "200"});
    const Finished finished = bench(words);
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    lagged_ = finished.out.find("void: the generator lagged") != std::string::npos;
    if (text != nullptr) *text = finished.out;
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }

  TemporaryDirectory directory_;
  const std::string scripted_ = testing_support::write_scripted(directory_);
  bool lagged_ = false;  // this machine was too busy for some of the figures, which are void then
};

TEST_F(BenchPage, HasTheVerdictTheDrawingsAndTheDesign) {
  std::string text;
  const std::string page =
      page_of({"a=" + scripted_, "<b>&=" + scripted_, "--rate", "1k", "--seed", "11"}, &text);
  const std::size_t heading = page.find("<h1>");
  ASSERT_NE(heading, std::string::npos);
  // The verdict that the table has, as its heading; names are no markup.
  const std::string verdict = page.substr(heading + 4, page.find("</h1>") - heading - 4);
  EXPECT_NE(verdict.find("&lt;b&gt;&amp;"), std::string::npos) << verdict;
  EXPECT_TRUE(text.starts_with(plain(verdict) + "\n")) << plain(verdict) << "\n" << text;
  for (const char* title : {"Figures", "How much slower, at each quantile", "Over time",
                            "How latencies are distributed", "How this was measured"}) {
    EXPECT_NE(page.find(std::string("<h2>") + title), std::string::npos) << title;
  }
  std::size_t drawings = 0;
  for (std::size_t at = 0; (at = page.find("<svg ", at)) != std::string::npos; ++at) ++drawings;
  EXPECT_EQ(drawings, lagged_ ? drawings : 4u);
  EXPECT_GE(drawings, 2u);  // of what was measured: over time, and how it is distributed
  EXPECT_EQ(page.find("No data yet"), std::string::npos);
  for (const char* fact : {"seed", "kernel", "Linux", "once more: the A/A arm"}) {
    EXPECT_NE(page.find(fact), std::string::npos) << fact;
  }
  // Nothing is fetched, nothing runs.
  for (const char* outside : {"src=", "href=", "<script", "url(", "@import"}) {
    EXPECT_EQ(page.find(outside), std::string::npos) << outside;
  }
}

TEST_F(BenchPage, OfOneTargetAndOfARampHasWhatThereIs) {
  std::string text;
  const std::string one = page_of({"a=" + scripted_, "--rate", "1k"}, &text);
  // Of one target the text has no verdict, but a note of which quantiles are void.
  const bool lagged = text.find("a: void at p50") != std::string::npos;
  const bool is_void = one.find("<h1>a: void: the generator lagged") != std::string::npos;
  EXPECT_TRUE((lagged && is_void) || one.find("<h1>a answers in ") != std::string::npos)
      << one.substr(0, 6000);
  EXPECT_EQ(one.find("How much slower"), std::string::npos);
  const std::string ramp = page_of({"a=" + scripted_, "--rate", "200..600", "--steps", "2"});
  EXPECT_NE(ramp.find("No verdict"), std::string::npos);
  EXPECT_NE(ramp.find("Steps of the ramp"), std::string::npos);
}

TEST_F(BenchPage, WhatCannotBeWrittenIsSaidBeforeTheRun) {
  const Finished finished = bench({"hello.so", "--html", "/proc/page.html", "--duration", "50s"});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_NE(finished.err.find("/proc/page.html"), std::string::npos) << finished.err;
  EXPECT_EQ(bench({"hello.so", "--cold", "--html", "/tmp/x.html"}).exit_code, 2);
}

}  // namespace
}  // namespace duet
