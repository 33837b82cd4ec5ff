// main.cpp: a program outside the project, built against an installed sluice.
// SPDX-License-Identifier: MIT
#include <sluice/command.hpp>

#include <cstdio>

// If a public header forced ZeroMQ or msgpack on its users, these would be defined.
#if defined(ZMQ_VERSION) || defined(MSGPACK_VERSION_MAJOR)
#error "a public header includes what only the library needs"
#endif

int main() {
  sluice::Command command;
  command.argv = {"convert", "a.png", "a.jpg"};
  const auto read_back = sluice::Command::decode(command.encode());
  if (!read_back || read_back->argv != command.argv) {
    std::puts("the command did not survive its encoding");
    return 1;
  }
  std::puts("ok");
  return 0;
}
