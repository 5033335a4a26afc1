#include "host/http/framework_pattern.h"

#include <gtest/gtest.h>

namespace duet::http {
namespace {

TEST(FrameworkPattern, IsTheRoutersPattern) {
  const struct {
    const char *from, *to;
  } kCases[] = {{"/", "/"},
                {"/items/{id}", "/items/{id}"},
                {"/items/{id:int}/x", "/items/{id}/x"},
                {"/files/{path:path}", "/files/{path...}"},
                {"/items/:id/x", "/items/{id}/x"},
                {"/items/<id>", "/items/{id}"},
                {"/items/<int:id>", "/items/{id}"},
                {"/files/<path:rest>", "/files/{rest...}"},
                {"/files/*", "/files/*"},
                {"/a:b/<", "/a:b/<"}};
  for (const auto& [from, to] : kCases) EXPECT_EQ(from_framework_pattern(from), to);
}

}  // namespace
}  // namespace duet::http
