// Which changes of files count, and in which folders.
#include "host/cli/source_watch.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace duet::cli {
namespace {

namespace fs = std::filesystem;
using Paths = std::vector<std::string>;

class SourceWatchTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::canonical(fs::temp_directory_path()) / "duet-source-watch-XXXXXX";
    std::string name = folder_.string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    auto created = SourceWatch::create();
    ASSERT_TRUE(created) << created.error().to_string();
    watch_ = std::move(*created);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  void write(const std::string& name) const {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name) << "1\n";
  }
  Paths changed() const { return watch_->changed(); }

  fs::path folder_;
  std::unique_ptr<SourceWatch> watch_;
};

TEST(IsSourceTest, GoesByTheName) {
  for (const char* name : {"app.mjs", "app.py", "duet.toml", "hello.so", ".env", ".env.local",
                           "package.json", "tsconfig.json", "view.tsx"}) {
    EXPECT_TRUE(is_source(name)) << name;
  }
  for (const char* name : {"shop.db", "data.json", "app.py~", ".app.py.swp", "app.log", "py", ".js",
                           "4913", "app.pyc"}) {
    EXPECT_FALSE(is_source(name)) << name;
  }
}

TEST_F(SourceWatchTest, TellsWhatIsWrittenRenamedAndRemoved) {
  write("lib/a.py");
  write("b.mjs");
  watch_->add(folder_.string());
  EXPECT_EQ(changed(), Paths());
  write("lib/a.py");
  write("notes.txt");
  EXPECT_EQ(changed(), Paths{path("lib/a.py")});
  EXPECT_EQ(changed(), Paths());
  write("new.tmp");
  fs::rename(path("new.tmp"), path("b.mjs"));  // as editors save
  EXPECT_EQ(changed(), Paths{path("b.mjs")});
  fs::remove(path("b.mjs"));
  EXPECT_EQ(changed(), Paths{path("b.mjs")});
}

TEST_F(SourceWatchTest, LooksIntoFoldersThatComeLater) {
  watch_->add(folder_.string());
  write("later/deep/c.ts");
  EXPECT_EQ(changed(), Paths{path("later/deep/c.ts")});
  write("later/deep/c.ts");
  EXPECT_EQ(changed(), Paths{path("later/deep/c.ts")});
}

TEST_F(SourceWatchTest, LeavesOutWhatOthersPutThere) {
  write("venv/pyvenv.cfg");
  for (const char* name :
       {"node_modules/a/index.js", ".git/hook.py", "__pycache__/a.py", "venv/lib/site.py"}) {
    write(name);
  }
  watch_->add(folder_.string());
  for (const char* name : {"node_modules/a/index.js", ".git/hook.py", "__pycache__/a.py",
                           "venv/lib/site.py", "node_modules/b/index.js"}) {
    write(name);
  }
  EXPECT_EQ(changed(), Paths());
}

TEST_F(SourceWatchTest, TakesWhatIsNamedWhateverItIsCalled) {
  write("data/prices.json");
  write("texts/de/welcome.html");
  ASSERT_TRUE(watch_->add_named(path("data/prices.json")));
  ASSERT_TRUE(watch_->add_named(path("texts")));
  write("data/prices.json");
  write("data/other.json");
  write("texts/de/welcome.html");
  write("texts/fr/welcome.html");
  EXPECT_EQ(changed(), (Paths{path("data/prices.json"), path("texts/de/welcome.html"),
                              path("texts/fr/welcome.html")}));
  const auto missing = watch_->add_named(path("nothing"));
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("no such file"), std::string::npos);
}

TEST_F(SourceWatchTest, ANamedFileDoesNotStandForItsFolder) {
  write("prices.json");
  write("lib/a.py");
  ASSERT_TRUE(watch_->add_named(path("prices.json")));
  watch_->add(folder_.string());
  write("lib/a.py");
  write("prices.json");
  EXPECT_EQ(changed(), (Paths{path("lib/a.py"), path("prices.json")}));
}

TEST_F(SourceWatchTest, AFolderThatCameBackIsAddedAgain) {
  write("shop/a.py");
  watch_->add(path("shop"));
  fs::remove_all(path("shop"));
  changed();
  write("shop/a.py");
  watch_->add(path("shop"));
  write("shop/a.py");
  EXPECT_EQ(changed(), Paths{path("shop/a.py")});
}

TEST_F(SourceWatchTest, DoesNotFollowLinksInACircle) {
  write("lib/a.py");
  fs::create_directory_symlink(folder_, folder_ / "lib/up");
  watch_->add(folder_.string());
  write("lib/a.py");
  EXPECT_EQ(changed(), Paths{path("lib/a.py")});
}

}  // namespace
}  // namespace duet::cli
