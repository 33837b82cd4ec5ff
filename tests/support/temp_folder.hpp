// temp_folder.hpp: a folder of one's own for a test, gone with it.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>
#include <sys/stat.h>

inline std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

inline void write_file(const std::string& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  REQUIRE(file.flush());
}

/// Made in the constructor, removed with all that is in it in the destructor.
class TempFolder {
 public:
  TempFolder() : TempFolder(std::filesystem::temp_directory_path()) {}
  explicit TempFolder(const std::filesystem::path& parent) {
    std::string name = (parent / "sluice-test-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TempFolder() {
    std::error_code ignored;  // a leftover folder in /tmp fails no test
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string file(std::string_view name) const {
    return path_ + '/' + std::string(name);
  }
  [[nodiscard]] bool has(std::string_view name) const {
    return std::filesystem::exists(file(name));
  }
  /// Empty if there is no such file.
  [[nodiscard]] std::string read(std::string_view name) const { return read_file(file(name)); }
  /// Its complete lines, without their line ends.
  [[nodiscard]] std::vector<std::string> lines(std::string_view name) const {
    const std::string text = read(name);
    std::vector<std::string> lines;
    for (std::size_t from = 0, end = 0; (end = text.find('\n', from)) != std::string::npos;
         from = end + 1)
      lines.push_back(text.substr(from, end - from));
    return lines;
  }
  /// Returns the file's path.
  std::string write(std::string_view name, std::string_view text, mode_t mode = 0644) const {
    write_file(file(name), text);
    REQUIRE(::chmod(file(name).c_str(), mode) == 0);
    return file(name);
  }

 private:
  std::string path_;
};
