// Where a handler's source is looked for. (What is said about wrong ones: load_test.cc.)
#include "host/config/source.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/config/folder.h"

namespace duet::config {
namespace {

namespace fs = std::filesystem;

// Cases may run side by side.
const std::string kName = "source_test_" + std::to_string(getpid()) + ".so";

// A plug-in among the shipped ones, for the time of a test.
class Shipped {
 public:
  Shipped() : path_(fs::path(shipped_plugins()) / kName) {
    fs::create_directories(shipped_plugins());
    std::ofstream(path_) << "ELF";
  }
  ~Shipped() { fs::remove(path_); }
  std::string path() const { return path_.string(); }

 private:
  fs::path path_;
};

TEST(Source, PlainNamesOfPluginsAreAlsoLookedForAmongTheShippedOnes) {
  const Folder folder;
  const Shipped shipped;
  const auto found = resolve_source(kName, folder.path());
  ASSERT_TRUE(found.ok()) << found.error().to_string();
  EXPECT_EQ(found->source, shipped.path());
  EXPECT_EQ(found->language, Language::kNative);
}

TEST(Source, AFileOfTheProjectComesBeforeAShippedPlugin) {
  const Folder folder;
  const Shipped shipped;
  folder.write(kName, "ELF");
  const auto found = resolve_source(kName, folder.path());
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->source, (fs::path(folder.path()) / kName).string());
}

TEST(Source, APathIsNeverLookedForElsewhere) {
  const Folder folder;
  const Shipped shipped;
  EXPECT_FALSE(resolve_source("./" + kName, folder.path()).ok());
}

TEST(Source, ALinkToNothingSaysWhereItLeads) {
  const Folder folder;
  fs::create_symlink("gone.mjs", fs::path(folder.path()) / "hello.mjs");
  const auto found = resolve_source("hello.mjs", folder.path());
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().to_string(),
            "'hello.mjs': no such file (it is a symbolic link to 'gone.mjs')");
}

}  // namespace
}  // namespace duet::config
