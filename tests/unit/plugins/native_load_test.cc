// What is said when a plug-in cannot be used.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "bindings/native/native_runtime.h"
#include "host/loop/loop.h"

namespace duet {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class NativeLoad : public testing::Test {
 protected:
  void SetUp() override {
    loop_ = std::move(Loop::create()).value();
    ledger_.add_handler(0);
    RuntimeContext context;
    context.loop = loop_.get();
    context.exchanges = &exchanges_;
    context.ledger = &ledger_;
    ASSERT_TRUE(runtime_->start(context).ok());
  }

  Result<LoadedHandler> load(const std::string& path,
                             std::vector<std::pair<std::string, std::string>> env = {}) {
    HandlerSpec spec;
    spec.name = "tested";
    spec.source = path;
    spec.env = std::move(env);
    spec.index = 0;
    Result<LoadedHandler> result = Error{"load() did not call back", {}, {}, {}};
    runtime_->load(spec, [&](Result<LoadedHandler> loaded) { result = std::move(loaded); });
    return result;
  }
  std::string refusal(const std::string& name) {
    auto loaded = load(std::string(DUET_TEST_PLUGINS) + "/" + name + ".so");
    return loaded ? "loaded" : loaded.error().to_string();
  }

  ExchangeTable exchanges_;
  measure::Ledger ledger_;
  std::unique_ptr<Loop> loop_;
  std::unique_ptr<Runtime> runtime_{make_native_runtime()};
};

TEST_F(NativeLoad, TakesTheHelloPlugin) {
  auto loaded = load(std::string(DUET_PLUGINS) + "/hello.so");
  ASSERT_TRUE(loaded.ok()) << loaded.error().to_string();
  EXPECT_EQ(loaded->shape, "native");
  EXPECT_TRUE(loaded->wants_whole_body);
}

TEST_F(NativeLoad, StreamingHandlersDoNotWaitForTheBody) {
  auto loaded = load(std::string(DUET_TEST_PLUGINS) + "/upload.so");
  ASSERT_TRUE(loaded.ok()) << loaded.error().to_string();
  EXPECT_FALSE(loaded->wants_whole_body);
}

TEST_F(NativeLoad, OneFileServesSeveralHandlers) {
  const std::string path = std::string(DUET_TEST_PLUGINS) + "/probe.so";
  auto first = load(path), second = load(path);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_NE(first->slot, second->slot);
}

TEST_F(NativeLoad, RefusesAnotherMajorVersion) {
  EXPECT_THAT(refusal("major"),
              AllOf(HasSubstr("major.so"), HasSubstr("built for version 2.0"),
                    HasSubstr("this duet speaks version 1.0"), HasSubstr("rebuild it")));
}

TEST_F(NativeLoad, RefusesANewerMinorVersion) {
  EXPECT_THAT(refusal("minor"), AllOf(HasSubstr("needs version 1.1"), HasSubstr("newer duet")));
}

TEST_F(NativeLoad, RefusesWhatIsNoPlugin) {
  EXPECT_THAT(refusal("no_symbol"),
              AllOf(HasSubstr("no duet plug-in"), HasSubstr("duet_plugin_entry"),
                    HasSubstr("DUET_PLUGIN_HANDLER")));
}

TEST_F(NativeLoad, RefusesAnEntryWithoutATable) {
  EXPECT_THAT(refusal("null"), HasSubstr("returned no table"));
}

TEST_F(NativeLoad, SurvivesAnEntryThatThrows) {
  EXPECT_THAT(refusal("entry_throws"), HasSubstr("duet_plugin_entry() threw: entry"));
}

TEST_F(NativeLoad, RefusesAnIncompleteTable) {
  EXPECT_THAT(refusal("no_handle"), HasSubstr("lacks 'handle'"));
}

TEST_F(NativeLoad, NamesAMissingLibraryFunction) {
  EXPECT_THAT(refusal("missing_library"), HasSubstr("a_function_that_no_library_has"));
}

TEST_F(NativeLoad, SaysWhyAPluginRefuses) {
  EXPECT_THAT(refusal("create_refuses"),
              AllOf(HasSubstr("broken 1.0 refused to start"), HasSubstr("ISO_CODES is not set")));
  EXPECT_THAT(refusal("create_silent"), HasSubstr("it gave no reason"));
}

TEST_F(NativeLoad, SurvivesACreateThatThrows) {
  EXPECT_THAT(refusal("create_throws"), HasSubstr("no such table: countries"));
}

TEST_F(NativeLoad, SurvivesAConstructorThatThrows) {
  auto loaded = load(std::string(DUET_TEST_PLUGINS) + "/probe.so", {{"REFUSE", "not today"}});
  ASSERT_FALSE(loaded.ok());
  EXPECT_THAT(loaded.error().to_string(), HasSubstr("refused to start: not today"));
}

TEST_F(NativeLoad, NamesAFileThatIsMissing) {
  EXPECT_THAT(refusal("absent"), AllOf(HasSubstr("does not load"), HasSubstr("absent.so")));
}

TEST_F(NativeLoad, RefusesAFileThatIsNoSharedObject) {
  const std::string path = testing::TempDir() + "text.so";
  std::ofstream(path) << "not ELF";
  auto loaded = load(path);
  ASSERT_FALSE(loaded.ok());
  EXPECT_THAT(loaded.error().to_string(), HasSubstr("does not load"));
}

}  // namespace
}  // namespace duet
