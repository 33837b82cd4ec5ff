// results_tree.cpp: folders named after arguments, and three files in each.
// SPDX-License-Identifier: MIT
#include "cli/results_tree.hpp"

#include <cerrno>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include "cli/command_key.hpp"
#include "sluice/error.hpp"

namespace sluice::cli {
namespace {

constexpr std::size_t kLongestName = 255;
constexpr std::size_t kKept = 200;  // of a longer one

std::string file_name(const std::string& argument) {
  if (argument.empty()) return "\\0";
  std::string name;
  if (argument == "." || argument == "..") name = "\\";
  for (const char c : argument) {
    if (c == '/')
      name += "\\_";
    else if (c == '\\')
      name += "\\\\";
    else if (c == '\t')
      name += "\\t";
    else if (c == '\n')
      name += "\\n";
    else
      name += c;
  }
  if (name.size() <= kLongestName) return name;
  const std::string digest = to_text({digest_of(argument), 1, 0}, 0).substr(0, 32);
  return name.substr(0, kKept) + "\\" + digest;
}

[[noreturn]] void fail(const char* what, const std::string& path, int error) {
  throw Error(std::string(what) + " the result " + path + ": " +
              std::generic_category().message(error));
}

void write_file(const std::string& path, std::string_view text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) fail("cannot open", path, errno);
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const int error = errno;
      ::close(fd);
      fail("cannot write", path, error);
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::close(fd) != 0) fail("cannot write", path, errno);
}

}  // namespace

std::string results_folder(std::span<const std::string> arguments) {
  std::string path;
  for (std::size_t i = 0; i < arguments.size(); ++i)
    path += (i == 0 ? "" : "/") + std::to_string(i + 1) + "/" + file_name(arguments[i]);
  return path;
}

void ResultsTree::write(std::span<const std::string> arguments, std::uint64_t number,
                        std::string_view out, std::string_view err) const {
  const std::string folder = folder_ + "/" + results_folder(arguments);
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) fail("cannot make the folder of", folder, error.value());
  write_file(folder + "/stdout", out);
  write_file(folder + "/stderr", err);
  write_file(folder + "/seq", std::to_string(number));
}

}  // namespace sluice::cli
