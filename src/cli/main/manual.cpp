// manual.cpp: writes the manual pages and shell completions into a folder; run by the build.
// SPDX-License-Identifier: MIT
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include <sluice/error.hpp>

#include "cli/app.hpp"
#include "cli/completion.hpp"
#include "cli/man_page.hpp"
#include "cli/option_tree.hpp"

namespace {

void write(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (!file) throw sluice::Error("cannot write " + path.string());
}

// Laid out as below a prefix's share/, so that it is installed as it lies.
void write_all(const std::filesystem::path& share) {
  const sluice::cli::OptionTree tree = sluice::cli::program_options();
  const std::filesystem::path man = share / "man" / "man1";
  std::filesystem::remove_all(man);  // pages of verbs that are no more
  write(man / "sluice.1", program_man_page(tree));
  for (const sluice::cli::VerbEntry& verb : tree.verbs)
    write(man / ("sluice-" + verb.name + ".1"), verb_man_page(tree, verb));
  write(share / "bash-completion" / "completions" / "sluice", bash_completion(tree));
  write(share / "zsh" / "site-functions" / "_sluice", zsh_completion(tree));
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) {
    std::cerr << "usage: sluice_manual FOLDER\n";
    return 2;
  }
  write_all(argv[1]);
  return 0;
} catch (const std::exception& error) {
  std::cerr << "sluice_manual: " << error.what() << '\n';
  return 1;
}
