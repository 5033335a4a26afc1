// The SDK against its fake host, which is also how a plug-in's author would test: the probe's
// source is linked in, no shared object, no socket.
#include "plugins/sdk/duet_sdk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/sdk/fake_host.h"

extern "C" const duet_plugin* duet_plugin_entry();

namespace duet::sdk {
namespace {

using testing::Contains;
using testing::HasSubstr;

class SdkTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(host_.load(duet_plugin_entry(), {{"GREETING", "hi"}})) << host_.why();
  }
  FakeHost host_;
};

TEST_F(SdkTest, ShowsEveryPartOfTheRequest) {
  const FakeAnswer& answer = host_.send({.method = "PUT",
                                         .path = "/echo",
                                         .query = "a=1",
                                         .headers = {{"x-probe", "seen"}},
                                         .params = {{"name", "Ada"}},
                                         .body = "text"});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "PUT|/echo|a=1|seen|Ada|text|hi");
  EXPECT_EQ(answer.header("Content-Type"), "text/plain");
}

TEST_F(SdkTest, TellsAbsentFromEmpty) {
  EXPECT_EQ(host_.send({.path = "/echo"}).body, "GET|/echo||no header|no param||hi");
  EXPECT_EQ(host_.send({.path = "/echo", .headers = {{"X-Probe", ""}}}).body,
            "GET|/echo|||no param||hi");
}

TEST_F(SdkTest, AnswersFromAThread) {
  const FakeAnswer& answer = host_.send({.path = "/thread"});
  ASSERT_TRUE(host_.run_until(answer));
  EXPECT_EQ(answer.status, 202);
  EXPECT_EQ(answer.body, "from a thread");
  EXPECT_EQ(answer.header("x-by"), "thread");
}

TEST_F(SdkTest, AnswersFromATimer) {
  const FakeAnswer& answer = host_.send({.path = "/timer"});
  EXPECT_FALSE(answer.complete);
  host_.run();
  EXPECT_EQ(answer.body, "after a while");
}

TEST_F(SdkTest, FailsWhatIsDropped) {
  const FakeAnswer& answer = host_.send({.path = "/dropped"});
  host_.run();
  EXPECT_EQ(answer.status, 500);
  EXPECT_THAT(answer.failure, HasSubstr("without answering"));
}

TEST_F(SdkTest, TurnsAnExceptionIntoAFailure) {
  EXPECT_EQ(host_.send({.path = "/throws"}).failure, "thrown by the probe");
}

TEST_F(SdkTest, LogsAnExceptionAfterTheAnswer) {
  EXPECT_EQ(host_.send({.path = "/late-throw"}).body, "answered");
  EXPECT_THAT(host_.log(), Contains("thrown after the answer"));
}

TEST_F(SdkTest, WaitsForTheClientWhenItStreams) {
  host_.set_window(64);
  const FakeAnswer& answer = host_.send({.path = "/stream"});
  EXPECT_FALSE(answer.complete);
  host_.run();
  EXPECT_TRUE(answer.complete);
  EXPECT_THAT(answer.body, HasSubstr("piece 1\npiece 2\n"));
  EXPECT_THAT(answer.body, HasSubstr("piece 100\n"));
}

TEST_F(SdkTest, TellsThatTheClientIsGone) {
  host_.set_window(64);
  const FakeAnswer& answer = host_.send({.path = "/stream"});
  host_.abort(answer);
  EXPECT_THAT(host_.log(), Contains("probe: aborted"));
  host_.run();
  EXPECT_FALSE(answer.complete);
}

TEST_F(SdkTest, CancelsWhatIsPostedWhenTheHandlerGoes) {
  host_.send({.path = "/timer"});
  host_.unload();  // the leak checker of the asan preset sees a task that nobody frees
}

TEST(SdkCreate, SaysWhyAConstructorThrew) {
  FakeHost host;
  EXPECT_FALSE(host.load(duet_plugin_entry(), {{"REFUSE", "not today"}}));
  EXPECT_EQ(host.why(), "not today");
}

TEST(SdkFields, AnyNumberOfThemIsSent) {
  const detail::Fields fields({{"a", "1"},
                               {"b", "2"},
                               {"c", "3"},
                               {"d", "4"},
                               {"e", "5"},
                               {"f", "6"},
                               {"g", "7"},
                               {"h", "8"},
                               {"i", "9"}});
  ASSERT_EQ(fields.size(), 9u);
  EXPECT_EQ(to_view(fields.data()[8].name), "i");
  EXPECT_EQ(to_view(fields.data()[0].value), "1");
}

}  // namespace
}  // namespace duet::sdk
