// assert.cpp: how a broken invariant ends the process.
// SPDX-License-Identifier: MIT
#include "core/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace sluice::core {

void assertion_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "sluice: broken invariant: %s (%s:%d)\n", expression, file, line);
  std::abort();
}

}  // namespace sluice::core
