#include "host/report/html.h"

#include <gtest/gtest.h>

#include <cmath>

#include "host/report/svg.h"

namespace duet::report {
namespace {

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(Html, WhateverAHandlerIsCalledIsTextAndNotMarkup) {
  EXPECT_EQ(escape("<b a=\"1\">&"), "&lt;b a=&quot;1&quot;&gt;&amp;");
  EXPECT_EQ(escape("a\xff"
                   "b"),
            "a\xef\xbf\xbd"
            "b");
  EXPECT_EQ(escape("a\x1b[31m"), "a\\e[31m");
  Page document{.title = "<script>", .verdict = "<i>", .about = "<u>"};
  document.sections.push_back({"<h1>", table({{"<th>"}, {{{"<td>"}, {"<td>"}}}}) +
                                           tiles({{"<a>", "<b>", "<c>"}}) + note("<p>") +
                                           figure("", "<f>")});
  const std::string text = page(document);
  for (const char* markup :
       {"<script>", "<i>", "<u>", "<h2><h1>", "<th>", "<td><td>", "<a>", "<f>"}) {
    EXPECT_FALSE(has(text, markup)) << markup;
  }
}

TEST(Html, APageFetchesNothingAndKnowsLightAndDark) {
  const std::string text = page({.title = "t", .verdict = "v"});
  for (const char* part : {"http:", "https:", "src=", "<script", "@import", "url("}) {
    EXPECT_FALSE(has(text, part)) << part;
  }
  EXPECT_TRUE(has(text, "prefers-color-scheme:dark"));
}

TEST(Html, NumbersAreFlushRightWithTheirHeading) {
  const std::string text = table({{"name", "requests"}, {{{"a"}, number("12")}}});
  EXPECT_TRUE(has(text, "<th scope=\"col\" class=\"n\">requests</th>")) << text;
  EXPECT_TRUE(has(text, "<td class=\"n\">12</td>")) << text;
}

TEST(Html, FewColumnsFitATelephoneAndNoTitlesTakeNoRow) {
  EXPECT_NE(table({{"", "p50"}, {{words("js"), number("2 ms")}}}).find("class=\"few\""),
            std::string::npos);
  EXPECT_EQ(table({{"", "a", "b", "c"}, {}}).find("class=\"few\""), std::string::npos);
  EXPECT_EQ(table({{"", ""}, {{words("seed"), words("1")}}}).find("<thead>"), std::string::npos);
}

TEST(Svg, TicksAreRoundAndCoverTheRange) {
  EXPECT_EQ(ticks(0, 1, 5, false), (std::vector<double>{0, 0.2, 0.4, 0.6000000000000001, 0.8, 1}));
  EXPECT_EQ(ticks(1, 100, 5, true), (std::vector<double>{1, 2, 5, 10, 20, 50, 100}));
  EXPECT_TRUE(ticks(1, 1, 5, false).empty());
  EXPECT_TRUE(ticks(0, 1, 5, true).empty());
}

TEST(Svg, ValuesThatCannotBeDrawnAreLeftOut) {
  LinePlot plot{.x = {},
                .y = {.log = true},
                .lines = {{"a", {{1, 1, 1, 1}, {2, 0, 0, 0}, {3, INFINITY, 1, 1}, {4, 8, 0, 9}}}}};
  const std::string text = draw(plot);
  EXPECT_FALSE(has(text, "nan") || has(text, "inf")) << text;
  EXPECT_TRUE(has(text, "<polyline"));
  EXPECT_TRUE(has(draw(LinePlot{}), "No data yet"));
}

TEST(Svg, EightLinesHaveEightColoursAndALegendThatFits) {
  LinePlot plot;
  for (int i = 0; i < kColours; ++i) {
    plot.lines.push_back({"variant-with-a-long-name-" + std::to_string(i), {{0, 1, 0, 2}, {1, 2}}});
  }
  const std::string text = draw(plot);
  const std::string style = page({});
  for (int i = 0; i < kColours; ++i) {
    const std::string colour = std::to_string(i);
    const std::string dash = i < 4 ? "\"" : " dash\"";
    EXPECT_TRUE(has(text, "<polyline class=\"line c" + colour + dash)) << i;
    EXPECT_TRUE(has(text, "class=\"key c" + colour + dash)) << i;
    EXPECT_TRUE(has(style, "svg .c" + colour + "{")) << i;
  }
  EXPECT_FALSE(has(text, "x1=\"-")) << "out of the picture";
  EXPECT_TRUE(has(text, "y=\"32.0\"")) << "a second row of names";
}

TEST(Svg, AnUnboundedIntervalHasAnArrow) {
  RangePlot plot{.x = {.log = true, .mark = 1},
                 .rows = {{"p50", 0.9, 1.2, 1.0, "0.9 to 1.2", 0},
                          {"p99", 0, INFINITY, std::nullopt, "not known yet", 1}},
                 .description = ""};
  const std::string text = draw(plot);
  EXPECT_TRUE(has(text, "<path class=\"line c1\"")) << text;
  EXPECT_FALSE(has(text, "<path class=\"line c0\"")) << text;
  EXPECT_FALSE(has(text, "nan") || has(text, "inf")) << text;
}

// Names begin at the drawing's left edge or right of it, in two lines when they are long.
TEST(RangePlot, HasRoomForItsNames) {
  const auto drawn = [](std::string name) {
    return draw(RangePlot{.x = {.log = true, .mark = 1},
                          .rows = {{std::move(name), 0.9, 1.2, 1.0, "", 0}},
                          .description = ""});
  };
  EXPECT_TRUE(has(drawn("p50"), "x=\"188.0\"")) << drawn("p50");
  const std::string name = "FastAPI on uvicorn with 10,000 idle / duet";  // 42 characters
  EXPECT_FALSE(has(drawn(name), "x=\"188.0\"")) << drawn(name);
  EXPECT_TRUE(has(drawn(name), ">" + name + "<")) << drawn(name);
  const std::string longer = "FastAPI on uvicorn with 10,000 idle / FastAPI on uvicorn";
  EXPECT_TRUE(has(drawn(longer), ">FastAPI on uvicorn with 10,000<")) << drawn(longer);
  EXPECT_TRUE(has(drawn(longer), ">idle / FastAPI on uvicorn<")) << drawn(longer);
}

}  // namespace
}  // namespace duet::report
