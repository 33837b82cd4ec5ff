// published_access.cpp: whose access file it is, writing it and taking it away.
// SPDX-License-Identifier: MIT
#include "net/published_access.hpp"

#include <chrono>
#include <filesystem>
#include <mutex>
#include <set>
#include <system_error>
#include <utility>

#include <sluice/client.hpp>
#include <sluice/error.hpp>

#include "core/ids.hpp"

namespace sluice::net {
namespace {

constexpr auto kAnswerTime = std::chrono::milliseconds(1500);

// Files of dead ventilators must not stop a new one.
Access read_whose(const std::string& path) {
  try {
    return Access::read(path);
  } catch (const Error& why) {
    throw Error(std::string(why.what()) + " (" + path +
                " is there and cannot be replaced: it is left as it is; name another one)");
  }
}

bool is_there(const std::string& path) {
  std::error_code error;
  const bool found = std::filesystem::exists(path, error);
  if (error)
    throw Error("cannot look at " + path + ": " + error.message() + "; name another access file");
  return found;
}

// The files that this process has written and not taken away.
class Published {
 public:
  static Published& instance() {
    static auto* const published = new Published;  // static objects may outlive others
    return *published;
  }
  bool contains(const std::string& path) {
    const std::scoped_lock lock(mutex_);
    return paths_.count(key(path)) > 0;
  }
  void add(const std::string& path) {
    const std::scoped_lock lock(mutex_);
    paths_.insert(key(path));
  }
  void remove(const std::string& path) {
    const std::scoped_lock lock(mutex_);
    paths_.erase(key(path));
  }

 private:
  static std::string key(const std::string& path) {
    std::error_code error;
    const auto whole = std::filesystem::weakly_canonical(path, error);
    return error ? path : whole.string();
  }
  std::mutex mutex_;
  std::set<std::string> paths_;
};

std::string whose(const Access& access) {
  return "process " + std::to_string(access.pid) + " on " + access.host;
}

}  // namespace

bool ventilator_answers(const Access& access) {
  try {
    ClientOptions options;
    options.connect = access.control;
    options.connect_timeout = kAnswerTime;
    return core::hex(Client(options).log()) == access.log;
  } catch (const Error&) {
    return false;  // nothing there, or nothing that speaks our language
  }
}

bool is_access_of(const std::string& path, const std::array<std::uint8_t, 16>& log) {
  try {
    return Access::read(path).log == core::hex(log);
  } catch (const Error&) {
    return false;
  }
}

std::string check_access_free(const std::string& path,
                              const std::function<bool(const Access&)>& answers) {
  if (!is_there(path)) return {};
  if (Published::instance().contains(path))
    throw Error("the access file " + path +
                " belongs to another ventilator of this process: give each a file of its own");
  const Access old = read_whose(path);
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
                                 const std::array<std::uint8_t, 16>& log, bool durable)
    : path_(std::move(path)), access_(Access::of_this_process()) {
  access_.control = std::move(control);
  access_.sinks = std::move(sinks);
  access_.log = core::hex(log);
  access_.durable = durable;
  access_.write(path_);
  Published::instance().add(path_);
}

void PublishedAccess::keep(const std::vector<std::string>& standbys) {
  try {
    const Access found = Access::read(path_);
    if (found.control == access_.control && found.pid == access_.pid &&
        found.host == access_.host && found.standbys == standbys)
      return;
  } catch (const Error&) {  // gone, or not readable: it is written
  }
  access_.standbys = standbys;
  access_.write(path_);
}

PublishedAccess::~PublishedAccess() {
  if (!access_.durable) access_.remove(path_);
  Published::instance().remove(path_);
}

}  // namespace sluice::net
