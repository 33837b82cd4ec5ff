// main.cpp: the program sluice.
// SPDX-License-Identifier: MIT
#include <fcntl.h>

#include <cerrno>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "cli/app.hpp"
#include "cli/exit_code.hpp"

namespace {

// Where a standard descriptor is closed, the next file opened would take its place, and be read
// for input or written over by messages.
void fill_standard_descriptors() {
  for (int fd = 0; fd <= 2; ++fd)
    if (::fcntl(fd, F_GETFD) < 0 && errno == EBADF && ::open("/dev/null", O_RDWR) < 0) return;
}

}  // namespace

int main(int argc, char** argv) {
  fill_standard_descriptors();
  try {
    const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
    return sluice::cli::run_program(words);
  } catch (const std::exception& error) {
    std::cerr << "sluice: " << error.what() << std::endl;
    return sluice::cli::kExitOwnError;
  }
}
