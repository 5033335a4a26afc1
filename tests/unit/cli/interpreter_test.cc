#include "host/cli/interpreter.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "host/base/executable.h"

namespace duet::cli {
namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

class ContainsPython : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "contains_python_" + std::to_string(getpid());
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string write(const std::string& content) {
    const std::string path = folder_ + "/program";
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }

  std::string folder_;
};

TEST_F(ContainsPython, IsNotSaidOfOtherPrograms) {
  EXPECT_FALSE(contains_python(executable_path()));
  EXPECT_FALSE(contains_python("/bin/sh"));
}

TEST_F(ContainsPython, IsNotSaidOfWhatIsNoProgram) {
  EXPECT_FALSE(contains_python(folder_));
  EXPECT_FALSE(contains_python(folder_ + "/absent"));
  EXPECT_FALSE(contains_python(write("")));
  EXPECT_FALSE(contains_python(write("#!/bin/sh\nexec python3 \"$@\"\n")));
}

// A file that ends early, or whose numbers lead out of it, is read to its end and no further.
TEST_F(ContainsPython, BearsDamagedFiles) {
  const std::string whole = read("/bin/sh");
  ASSERT_GT(whole.size(), 4096u);
  for (std::size_t size = 1; size < 256; ++size) {
    EXPECT_FALSE(contains_python(write(whole.substr(0, size)))) << size;
  }
  for (std::size_t size = 256; size < whole.size(); size += whole.size() / 97) {
    EXPECT_FALSE(contains_python(write(whole.substr(0, size)))) << size;
  }
  for (std::size_t at = 16; at < 64; ++at) {
    for (const char byte : {'\0', '\x7f', '\xff'}) {
      std::string damaged = whole;
      damaged[at] = byte;
      EXPECT_FALSE(contains_python(write(damaged))) << at;
    }
  }
}

}  // namespace
}  // namespace duet::cli
