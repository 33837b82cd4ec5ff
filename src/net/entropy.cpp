// entropy.cpp: getrandom.
// SPDX-License-Identifier: MIT
#include "net/entropy.hpp"

#include <cerrno>
#include <cstring>
#include <string>

#include <sys/random.h>

#include "sluice/error.hpp"

namespace sluice::net {

void fill_random(std::span<std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t got = ::getrandom(bytes.data(), bytes.size(), 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      throw Error(std::string("cannot get random bytes from the kernel: ") + std::strerror(errno));
    }
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
}

std::uint64_t random_u64() {
  const auto bytes = random_id<std::array<std::uint8_t, 8>>();
  std::uint64_t number = 0;
  std::memcpy(&number, bytes.data(), bytes.size());
  return number;
}

}  // namespace sluice::net
