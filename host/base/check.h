// DUET_CHECK: for what cannot happen. A failed check is a bug of duet's, never of a user's.
#pragma once

#include <cstdio>
#include <cstdlib>

// Prints the condition and its place, then aborts. `condition` is always evaluated.
#define DUET_CHECK(condition)                                                                  \
  do {                                                                                         \
    if (!(condition)) [[unlikely]] {                                                           \
      std::fprintf(stderr, "duet: internal check failed: %s at %s:%d\n", #condition, __FILE__, \
                   __LINE__);                                                                  \
      std::abort();                                                                            \
    }                                                                                          \
  } while (false)
