// published_access.cpp: whose file it is, writing it and taking it away.
// SPDX-License-Identifier: MIT
#include "cli/published_access.hpp"

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "sluice/client.hpp"
#include "sluice/error.hpp"

namespace sluice::cli {
namespace {

using nlohmann::json;

constexpr auto kAnswerTime = std::chrono::milliseconds(1500);

std::string hex(const std::array<std::uint8_t, 16>& bytes) {
  static constexpr const char* kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

// Only what tells whether its ventilator lives: files of dead ones must not stop a new one.
Access read_loosely(const std::string& path, std::ifstream& file) {
  try {
    const json found = json::parse(file);
    Access access;
    access.control = found.at("control").get<std::string>();
    access.log = found.at("log").get<std::string>();
    access.pid = found.at("pid").get<std::int64_t>();
    access.host = found.at("host").get<std::string>();
    access.process_space = found.value("process_space", std::string());
    return access;
  } catch (const json::exception&) {
    throw Error(path + " is there and is no access file: it is left as it is; name another one");
  }
}

std::string whose(const Access& access) {
  return "process " + std::to_string(access.pid) + " on " + access.host;
}

}  // namespace

std::string access_path_to_write(const std::string& given) {
  if (!given.empty()) return given;
  const char* const named = std::getenv("SLUICE_ACCESS");
  if (named != nullptr && *named != '\0') return named;
  throw Error(
      "nobody could find this ventilator: name the access file that it shall write with "
      "--access FILE, or set SLUICE_ACCESS");
}

bool ventilator_answers(const Access& access) {
  try {
    ClientOptions options;
    options.connect = access.control;
    options.connect_timeout = kAnswerTime;
    return hex(Client(options).log()) == access.log;
  } catch (const Error&) {
    return false;  // nothing there, or nothing that speaks our language
  }
}

std::string check_access_free(const std::string& path,
                              const std::function<bool(const Access&)>& answers) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    if (errno == ENOENT) return {};
    throw Error("cannot look at " + path + ": " + std::generic_category().message(errno) +
                "; name another access file");
  }
  const Access old = read_loosely(path, file);
  const std::string replacing = "replacing the access file " + path + " of a ventilator that ";
  const Access self = Access::of_this_process();
  const bool here = old.host == self.host && old.process_space == self.process_space &&
                    !self.process_space.empty();
  // In a container that starts anew, it is the same number each time.
  if (here && (old.pid == self.pid || old.process_is_gone()))
    return replacing + "is gone (" + whose(old) + ")";
  if (answers(old))
    throw Error("the access file " + path + " belongs to a ventilator that is running (" +
                whose(old) + ", at " + old.control + "): stop that one, or name another file");
  if (here)
    throw Error("the access file " + path + " belongs to " + whose(old) +
                ", which lives but does not answer at " + old.control +
                ": end it, or remove the file if that process is no ventilator");
  return replacing + "does not answer (" + whose(old) + ", at " + old.control + ")";
}

PublishedAccess::PublishedAccess(std::string path, std::string control,
                                 std::vector<std::string> sinks,
                                 const std::array<std::uint8_t, 16>& log)
    : path_(std::move(path)), access_(Access::of_this_process()) {
  access_.control = std::move(control);
  access_.sinks = std::move(sinks);
  access_.log = hex(log);
  access_.write(path_);
}

PublishedAccess::~PublishedAccess() { access_.remove(path_); }

}  // namespace sluice::cli
