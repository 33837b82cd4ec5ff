// main.cpp: the program sluice.
// SPDX-License-Identifier: MIT
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "cli/app.hpp"
#include "cli/exit_code.hpp"

int main(int argc, char** argv) {
  try {
    const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
    return sluice::cli::run_program(words);
  } catch (const std::exception& error) {
    std::cerr << "sluice: " << error.what() << std::endl;
    return sluice::cli::kExitOwnError;
  }
}
