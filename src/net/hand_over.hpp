// hand_over.hpp: the order that libzmq keeps between threads, told to ThreadSanitizer.
// SPDX-License-Identifier: MIT
#pragma once

#if defined(__SANITIZE_THREAD__)
#define SLUICE_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SLUICE_THREAD_SANITIZER 1
#endif
#endif

#ifdef SLUICE_THREAD_SANITIZER
#include <sanitizer/tsan_interface.h>
#endif

namespace sluice::net {

/// Before memory goes to libzmq: what was written to it is seen by whoever takes it over.
/// Debian's libzmq is not compiled for ThreadSanitizer, which cannot see that its queues keep
/// this order. Does nothing in other builds.
inline void hand_over([[maybe_unused]] void* memory) {
#ifdef SLUICE_THREAD_SANITIZER
  __tsan_release(memory);
#endif
}

/// When it has come back, in whatever thread.
inline void take_over([[maybe_unused]] void* memory) {
#ifdef SLUICE_THREAD_SANITIZER
  __tsan_acquire(memory);
#endif
}

}  // namespace sluice::net
