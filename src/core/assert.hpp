// assert.hpp: SLUICE_ASSERT, for what only a mistake in sluice itself can break.
// SPDX-License-Identifier: MIT
#pragma once

namespace sluice::core {

/// Prints the broken invariant and aborts. The journal makes that safe.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);

}  // namespace sluice::core

// On in release builds too. Never on anything a peer, a file or a user can cause.
#define SLUICE_ASSERT(expression) \
  ((expression) ? static_cast<void>(0) \
                : ::sluice::core::assertion_failed(#expression, __FILE__, __LINE__))
