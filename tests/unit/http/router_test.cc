#include "host/http/router.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace duet::http {
namespace {

// Adds routes with the targets 1, 2, ... from "METHODS pattern" ("* pattern" for every method).
Router router_of(const std::vector<std::string>& routes) {
  Router router;
  std::uint32_t target = 0;
  for (const std::string& route : routes) {
    const std::size_t space = route.find(' ');
    std::vector<std::string> methods;
    for (std::string rest = route.substr(0, space); rest != "*" && !rest.empty();) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      methods.push_back(rest.substr(0, comma));
      rest.erase(0, comma + 1);
    }
    const auto added = router.add(methods, route.substr(space + 1), ++target);
    EXPECT_TRUE(added.ok()) << route << ": " << (added ? "" : added.error().to_string());
  }
  return router;
}

// "2 id=7 rest=a/b", "404", or "405 GET, HEAD".
std::string matched(const Router& router, const std::string& method, const std::string& path) {
  static RouteMatch match;  // reused, as by an exchange
  router.match(method, path, match);
  switch (match.kind) {
    case RouteMatch::Kind::kNotFound:
      return "404";
    case RouteMatch::Kind::kMethodNotAllowed:
      return "405 " + match.allow;
    case RouteMatch::Kind::kFound:
      break;
  }
  std::string text = std::to_string(match.target);
  for (const Param& param : match.params) {
    text.append(" ").append(param.name).append("=").append(param.value);
  }
  return text;
}

TEST(Router, MatchesLiterals) {
  const Router router = router_of({"* /", "* /a", "* /a/", "* /a/b", "* /a//b"});
  EXPECT_EQ(matched(router, "GET", "/"), "1");
  EXPECT_EQ(matched(router, "GET", "/a"), "2");
  EXPECT_EQ(matched(router, "GET", "/a/"), "3");
  EXPECT_EQ(matched(router, "GET", "/a/b"), "4");
  EXPECT_EQ(matched(router, "GET", "/a//b"), "5");
  EXPECT_EQ(matched(router, "GET", "/a/b/"), "404");
  EXPECT_EQ(matched(router, "GET", "/A"), "404");
  EXPECT_EQ(matched(router, "GET", "//"), "404");
  EXPECT_EQ(matched(router, "GET", ""), "404");
  EXPECT_EQ(matched(router, "OPTIONS", "*"), "404");
}

TEST(Router, ManyLiteralsStayApart) {
  Router router;
  for (std::uint32_t i = 0; i < 500; ++i) {
    ASSERT_TRUE(router.add({}, "/route/" + std::to_string(i), i).ok());
  }
  for (std::uint32_t i = 0; i < 500; ++i) {
    EXPECT_EQ(matched(router, "GET", "/route/" + std::to_string(i)), std::to_string(i));
  }
  EXPECT_EQ(matched(router, "GET", "/route/500"), "404");
}

TEST(Router, BindsParameters) {
  const Router router = router_of({"* /u/{id}", "* /u/{id}/p/{page}", "* /f/{path...}", "* /s/*"});
  EXPECT_EQ(matched(router, "GET", "/u/7"), "1 id=7");
  EXPECT_EQ(matched(router, "GET", "/u/"), "404");
  EXPECT_EQ(matched(router, "GET", "/u"), "404");
  EXPECT_EQ(matched(router, "GET", "/u/7/"), "404");
  EXPECT_EQ(matched(router, "GET", "/u/7/p/8"), "2 id=7 page=8");
  EXPECT_EQ(matched(router, "GET", "/f/a/b%2Fc/"), "3 path=a/b/c/");
  EXPECT_EQ(matched(router, "GET", "/f/"), "3 path=");
  EXPECT_EQ(matched(router, "GET", "/f"), "404");
  EXPECT_EQ(matched(router, "GET", "/s/a/b"), "4");
  EXPECT_EQ(matched(router, "GET", "/s/"), "4");
}

TEST(Router, PrefersTheMoreSpecificSegmentBySegment) {
  // In the worst order, too.
  const Router router = router_of({"* /{rest...}", "* /{a}/{b}", "* /{a}/x", "* /l/{b}", "* /l/x",
                                   "* /l/{b}/deep", "* /l/r/*"});
  EXPECT_EQ(matched(router, "GET", "/l/x"), "5");
  EXPECT_EQ(matched(router, "GET", "/l/y"), "4 b=y");
  EXPECT_EQ(matched(router, "GET", "/m/x"), "3 a=m");
  EXPECT_EQ(matched(router, "GET", "/m/y"), "2 a=m b=y");
  EXPECT_EQ(matched(router, "GET", "/m"), "1 rest=m");
  EXPECT_EQ(matched(router, "GET", "/"), "1 rest=");
  EXPECT_EQ(matched(router, "GET", "/l/r/deep"), "7");
  EXPECT_EQ(matched(router, "GET", "/l/q/deep"), "6 b=q");
  EXPECT_EQ(matched(router, "GET", "/l/q/shallow"), "1 rest=l/q/shallow");
}

TEST(Router, GoesBackWhereALiteralLeadsNowhere) {
  const Router router = router_of({"* /a/b/c", "* /{x}/b/d", "* /a/{y}/e"});
  EXPECT_EQ(matched(router, "GET", "/a/b/c"), "1");
  EXPECT_EQ(matched(router, "GET", "/a/b/d"), "2 x=a");
  EXPECT_EQ(matched(router, "GET", "/a/b/e"), "3 y=b");
  EXPECT_EQ(matched(router, "GET", "/a/b/f"), "404");
}

TEST(Router, ComparesDecoded) {
  const Router router =
      router_of({"* /caf%C3%A9", "* /a%20b", "* /{x}", "* /p%2Fq/r", "* /100%25"});
  EXPECT_EQ(matched(router, "GET", "/caf%c3%a9"), "1");
  EXPECT_EQ(matched(router, "GET", "/c%61f%c3%a9"), "1");
  EXPECT_EQ(matched(router, "GET", "/a%20b"), "2");
  EXPECT_EQ(matched(router, "GET", "/a%2Fb"), "3 x=a/b");
  EXPECT_EQ(matched(router, "GET", "/%zz%4"), "3 x=%zz%4");
  EXPECT_EQ(matched(router, "GET", "/p%2fq/r"), "4");
  EXPECT_EQ(matched(router, "GET", "/p/q/r"), "404");
  EXPECT_EQ(matched(router, "GET", "/100%25"), "5");
  EXPECT_EQ(matched(router, "GET", "/%00").size(), std::string("3 x=?").size());
}

TEST(Router, ChoosesByMethod) {
  const Router router =
      router_of({"GET /a", "POST,PUT /a", "GET /b", "HEAD /b", "* /c", "GET /c", "POST /d"});
  EXPECT_EQ(matched(router, "GET", "/a"), "1");
  EXPECT_EQ(matched(router, "HEAD", "/a"), "1");
  EXPECT_EQ(matched(router, "PUT", "/a"), "2");
  EXPECT_EQ(matched(router, "DELETE", "/a"), "405 GET, HEAD, POST, PUT");
  EXPECT_EQ(matched(router, "HEAD", "/b"), "4");
  EXPECT_EQ(matched(router, "GET", "/b"), "3");
  EXPECT_EQ(matched(router, "POST", "/b"), "405 GET, HEAD");
  EXPECT_EQ(matched(router, "BREW", "/c"), "5");
  EXPECT_EQ(matched(router, "GET", "/c"), "6");
  EXPECT_EQ(matched(router, "HEAD", "/c"), "6");
  EXPECT_EQ(matched(router, "HEAD", "/d"), "405 POST");
  EXPECT_EQ(matched(router, "get", "/a"), "405 GET, HEAD, POST, PUT");
}

TEST(Router, MethodsDecideAmongPatterns) {
  const Router router = router_of({"POST /f/upload", "GET /f/{name}", "DELETE /{rest...}"});
  EXPECT_EQ(matched(router, "POST", "/f/upload"), "1");
  EXPECT_EQ(matched(router, "GET", "/f/upload"), "2 name=upload");
  EXPECT_EQ(matched(router, "DELETE", "/f/upload"), "3 rest=f/upload");
  EXPECT_EQ(matched(router, "PUT", "/f/upload"), "405 DELETE, GET, HEAD, POST");
  EXPECT_EQ(matched(router, "PUT", "/f/other"), "405 DELETE, GET, HEAD");
}

TEST(Router, TakesManyParameters) {
  std::string pattern, path, expected = "1";
  for (int i = 0; i < 40; ++i) {
    const std::string n = std::to_string(i);
    pattern.append("/{p").append(n).append("}");
    path.append("/").append(n);
    expected.append(" p").append(n).append("=").append(n);
  }
  const Router router = router_of({"* " + pattern});
  EXPECT_EQ(matched(router, "GET", path), expected);
  EXPECT_EQ(matched(router, "GET", path + "/x"), "404");
}

TEST(Router, SurvivesHostilePaths) {
  const Router router = router_of({"* /{a}/{b}/{c}", "* /x/y/z"});
  EXPECT_EQ(matched(router, "GET", std::string(8000, '/')), "404");
  std::string deep;
  for (int i = 0; i < 4000; ++i) deep += "/x";
  EXPECT_EQ(matched(router, "GET", deep), "404");
}

TEST(Router, MatchesWithoutParametersAfterParameters) {
  const Router router = router_of({"* /{a}", "* /l"});
  RouteMatch match;
  router.match("GET", "/q", match);
  EXPECT_EQ(match.params.size(), 1u);
  router.match("GET", "/l", match);
  EXPECT_TRUE(match.params.empty());
  router.match("GET", "/q/r", match);
  EXPECT_EQ(match.kind, RouteMatch::Kind::kNotFound);
}

std::string error_of(Router& router, const std::vector<std::string>& methods,
                     const std::string& pattern) {
  const auto added = router.add(methods, pattern, 1);
  return added ? "added" : added.error().to_string();
}

TEST(RoutePattern, ErrorsNameTheColumnAndTheRemedy) {
  struct Case {
    const char* pattern;
    const char* error;
  };
  const Case cases[] = {
      {"", "column 1: the pattern is empty (write \"/\" for the root)"},
      {"a/b", "column 1: the pattern \"a/b\" does not start with '/' (write \"/a/b\")"},
      {"*", "column 1: the pattern \"*\" does not start with '/' (write \"/*\")"},
      {"/a{b}",
       "column 3: '{' inside a segment (a parameter takes a whole segment, as in "
       "\"/users/{id}\")"},
      {"/{a}b",
       "column 5: text after a parameter (a parameter takes a whole segment, as in "
       "\"/users/{id}\")"},
      {"/{a", "column 2: '{' without '}' in the same segment (write {name})"},
      {"/{a/b}", "column 2: '{' without '}' in the same segment (write {name})"},
      {"/a}",
       "column 3: '}' inside a segment (a parameter takes a whole segment, as in "
       "\"/users/{id}\")"},
      {"/{}", "column 3: the parameter has no name (write {name})"},
      {"/{...}", "column 3: the parameter has no name (write {name})"},
      {"/a/{rest*}",
       "column 9: '*' in a parameter's name (for the rest of a path write {rest...}, or * alone)"},
      {"/x/{a-b}",
       "column 6: '-' in a parameter's name (names are letters, digits and '_', and "
       "start with no digit)"},
      {"/{1a}",
       "column 3: '1' in a parameter's name (names are letters, digits and '_', and start "
       "with no digit)"},
      {"/{a}/{a}",
       "column 7: the parameter \"a\" occurs twice (give each parameter a name of its "
       "own)"},
      {"/*/a",
       "column 2: the rest of the path is not the last segment (end the pattern after "
       "\"*\")"},
      {"/{r...}/",
       "column 2: the rest of the path is not the last segment (end the pattern after "
       "\"{r...}\")"},
      {"/a*",
       "column 3: '*' inside a segment (a '*' stands alone as the last segment; %2A is a "
       "literal one)"},
      {"/a?b",
       "column 3: '?' in a pattern: routes match paths only (leave the query out; handlers "
       "read it from the request)"},
      {"/a#b",
       "column 3: '#' in a pattern: routes match paths only (leave the query out; handlers "
       "read it from the request)"},
      {"/a b", "column 3: a space cannot occur in a path (percent-encode it)"},
      {"/\x01", "column 2: the byte 0x01 cannot occur in a path (percent-encode it)"},
      {"/%4", "column 2: '%' without two hexadecimal digits (write %25 for a literal '%')"},
      {"/%4/1", "column 2: '%' without two hexadecimal digits (write %25 for a literal '%')"},
      {"/a/../b",
       "column 4: the segment \"..\" never arrives (clients resolve it before they send "
       "a path)"},
  };
  Router router;
  for (const Case& c : cases) EXPECT_EQ(error_of(router, {}, c.pattern), c.error) << c.pattern;
}

TEST(RoutePattern, RefusesTheSameTwice) {
  Router router = router_of({"GET /a/{x}", "* /b", "GET /b"});
  EXPECT_EQ(error_of(router, {"POST"}, "/a/{y}"), "added");
  EXPECT_EQ(
      error_of(router, {"PUT", "GET"}, "/a/{y}"),
      "the route \"/a/{y}\" exists already for GET (remove one of them, or give them different "
      "methods)");
  EXPECT_EQ(matched(router, "PUT", "/a/1"), "405 GET, HEAD, POST");  // nothing was added
  EXPECT_EQ(error_of(router, {}, "/b"),
            "the route \"/b\" exists already for every method (remove one of them, or give them "
            "different methods)");
  EXPECT_EQ(error_of(router, {"GET", "GET"}, "/c"),
            "the route \"/c\" exists already for GET (remove one of them, or give them different "
            "methods)");
  EXPECT_EQ(matched(router, "GET", "/a/1"), "1 x=1");  // each pattern keeps its own names
  EXPECT_EQ(matched(router, "POST", "/a/1"), "1 y=1");
}

TEST(RoutePattern, ChecksMethods) {
  Router router;
  EXPECT_EQ(error_of(router, {"get"}, "/"),
            "the method \"get\" is not in capitals, so no request would match (write \"GET\")");
  EXPECT_EQ(error_of(router, {"GET "}, "/"),
            "\"GET \" is not a method (methods are like GET or POST)");
  EXPECT_EQ(error_of(router, {""}, "/"), "\"\" is not a method (methods are like GET or POST)");
  EXPECT_EQ(error_of(router, {"PROPFIND"}, "/"), "added");
}

}  // namespace
}  // namespace duet::http
