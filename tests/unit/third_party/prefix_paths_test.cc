// libnode's JavaScript built-ins are read from the private prefix, everything else from where it
// is.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <uv.h>

#include <string>

namespace {

std::string read_start(const char* path) {
  uv_fs_t request;
  const int file = uv_fs_open(nullptr, &request, path, O_RDONLY, 0, nullptr);
  uv_fs_req_cleanup(&request);
  if (file < 0) return uv_err_name(file);
  char data[4096];
  uv_buf_t buffer = uv_buf_init(data, sizeof data);
  const int count = uv_fs_read(nullptr, &request, file, &buffer, 1, 0, nullptr);
  uv_fs_req_cleanup(&request);
  uv_fs_close(nullptr, &request, file, nullptr);
  uv_fs_req_cleanup(&request);
  return std::string(data, static_cast<size_t>(count));
}

TEST(PrefixPaths, BuiltinsOfNodeComeFromThePrefix) {
  EXPECT_NE(read_start("/usr/share/nodejs/undici/package.json").find("\"undici\""),
            std::string::npos);
}

TEST(PrefixPaths, WhatThePrefixLacksIsLookedForInItsPlace) {
  EXPECT_EQ(read_start("/usr/share/nodejs/no-such-package/package.json"), "ENOENT");
}

TEST(PrefixPaths, OtherPathsAreUntouched) {
  EXPECT_EQ(read_start("/proc/self/comm").substr(0, 11), "unit_prefix");
}

}  // namespace
