// Every dependency of the prefix compiles with this compiler, links, and is the one that is loaded.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <hdr/hdr_histogram.h>
#include <llhttp.h>
#include <openssl/ssl.h>
#include <sqlite3.h>
#include <uv.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <toml++/toml.hpp>

namespace {

TEST(Prefix, LibrariesAtRunTimeAreThoseOfTheHeaders) {
  EXPECT_EQ(uv_version(), static_cast<unsigned>(UV_VERSION_HEX));
  EXPECT_EQ(OpenSSL_version_num() >> 28, OPENSSL_VERSION_NUMBER >> 28);
  EXPECT_STREQ(sqlite3_libversion(), SQLITE_VERSION);
}

TEST(Prefix, LlhttpParsesARequest) {
  llhttp_settings_t settings;
  llhttp_settings_init(&settings);
  llhttp_t parser;
  llhttp_init(&parser, HTTP_REQUEST, &settings);
  const std::string text = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  EXPECT_EQ(llhttp_execute(&parser, text.data(), text.size()), HPE_OK);
  EXPECT_EQ(parser.method, HTTP_GET);
}

TEST(Prefix, HistogramRecords) {
  hdr_histogram* histogram = nullptr;
  ASSERT_EQ(hdr_init(1, 1'000'000, 2, &histogram), 0);
  hdr_record_value(histogram, 1234);
  EXPECT_NEAR(static_cast<double>(hdr_value_at_percentile(histogram, 50)), 1234, 12.34);
  hdr_close(histogram);
}

TEST(Prefix, TextFormats) {
  const toml::table config = toml::parse("port = 8080");
  EXPECT_EQ(config["port"].value<int>(), 8080);
  EXPECT_EQ(nlohmann::json::parse("[1, 2]").size(), 2U);
  EXPECT_EQ(fmt::format("{:>4}", 7), "   7");
  CLI::App app;
  int port = 0;
  app.add_option("--port", port);
  app.parse("--port 81");
  EXPECT_EQ(port, 81);
}

}  // namespace
