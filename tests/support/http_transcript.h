// What a RequestParser says about bytes, as text: for tests and for the fuzz target.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "host/http/request_parser.h"

namespace duet::http {

// How the bytes reach the parser, and how willingly its sink listens.
struct Delivery {
  std::size_t first_cut = 0;  // the first piece ends here; 0: no such cut
  std::size_t piece = 0;      // what follows comes in pieces of this size; 0: at once
  bool pausing = false;       // the sink pauses after every event and before every request
  bool upgrading = false;     // on_head() answers kUpgrade where the head asks for one
  RequestLimits limits;
};

// One line for each event, in order. Body pieces that follow each other are joined:
//   begin
//   head GET /a?b HTTP/1.1 path=/a query=b host=example.com keep-alive
//     Name: value
//   body "abc"
//   complete (and the trailers, each name and value on a line)
//   refused 400 The request's ...       | upgraded, rest "..."
std::string transcript(std::string_view bytes, const Delivery& delivery = {});

// The same without names, values and sentences: "GET /a [abc] | POST /b [] | 400". A request that
// is not complete has no closing bracket; one of which only the head has begun is "...".
std::string summary(std::string_view bytes, const Delivery& delivery = {});

}  // namespace duet::http
