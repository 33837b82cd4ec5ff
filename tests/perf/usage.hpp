// usage.hpp: what a benchmark has cost this process.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/resource.h>

namespace perf {

/// Processor time of all threads since the start, in user and kernel mode.
inline double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace perf
