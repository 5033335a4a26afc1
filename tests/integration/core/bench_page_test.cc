// The page of a run: one file, the verdict first, with what a reader looks for.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "tests/integration/core/bench_process.h"

namespace duet {
namespace {

using testing_support::bench;
using testing_support::Finished;
using testing_support::TemporaryDirectory;

class BenchPage : public ::testing::Test {
 protected:
  std::string page_of(std::vector<std::string> words, std::string* text = nullptr) {
    const std::string file = directory_.path() + "/page.html";
    words.insert(words.end(), {"--html", file, "--duration", "1500ms", "--warmup", "0", "--block",
                               "20ms", "--connections", "200"});
    const Finished finished = bench(words);
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    busy_ = testing_support::too_busy(finished);
    if (text != nullptr) *text = finished.out;
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }

  TemporaryDirectory directory_;
  const std::string scripted_ = testing_support::write_scripted(directory_);
  bool busy_ = false;
};

TEST_F(BenchPage, HasTheVerdictTheDrawingsAndTheDesign) {
  std::string text;
  const std::string page =
      page_of({"a=" + scripted_, "<b>&=" + scripted_, "--rate", "1k", "--seed", "11"}, &text);
  if (busy_) GTEST_SKIP() << "the machine is too busy for figures: " << text;
  const std::size_t heading = page.find("<h1>");
  ASSERT_NE(heading, std::string::npos);
  // The verdict that the table has, as its heading; names are no markup.
  const std::string verdict = page.substr(heading + 4, page.find("</h1>") - heading - 4);
  EXPECT_NE(verdict.find(" at p50 "), std::string::npos) << verdict;
  EXPECT_NE(verdict.find("&lt;b&gt;&amp;"), std::string::npos) << verdict;
  EXPECT_NE(text.find(verdict.substr(0, 6)), std::string::npos) << text;
  for (const char* title : {"Figures", "How much slower, at each quantile", "Over time",
                            "How latencies are distributed", "How this was measured"}) {
    EXPECT_NE(page.find(std::string("<h2>") + title), std::string::npos) << title;
  }
  std::size_t drawings = 0;
  for (std::size_t at = 0; (at = page.find("<svg ", at)) != std::string::npos; ++at) ++drawings;
  EXPECT_EQ(drawings, 4u);
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
  const std::string one = page_of({"a=" + scripted_, "--rate", "1k"});
  if (busy_) GTEST_SKIP() << "the machine is too busy for figures";
  EXPECT_NE(one.find("<h1>a answers in "), std::string::npos) << one.substr(0, 6000);
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
