// identity.cpp: hostname and process id.
// SPDX-License-Identifier: MIT
#include "net/identity.hpp"

#include <array>

#include <unistd.h>

namespace sluice::net {

std::string default_name() {
  std::array<char, 65> host{};  // HOST_NAME_MAX and a NUL
  std::string name;
  if (::gethostname(host.data(), host.size() - 1) == 0) name = host.data();
  if (name.empty()) name = "localhost";
  for (char& c : name) {
    if (c <= ' ' || c > '~') c = '-';
  }
  return name + '-' + std::to_string(::getpid());
}

}  // namespace sluice::net
